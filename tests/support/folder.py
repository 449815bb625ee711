"""A fresh folder in which a test runs the command. Subclasses add how it is run."""


class Folder:
    def __init__(self, path):
        self.path = path

    def __truediv__(self, name):
        return self.path / name

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
