const lines = [];

module.exports = {
  lines,
  note(line) { lines.push(line); },
};
