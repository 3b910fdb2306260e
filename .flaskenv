FLASK_APP=server.cli:create_app
