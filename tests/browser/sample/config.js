module.exports = { server: 'https://caiji.example.edu.cn' };
