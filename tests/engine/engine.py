"""The engine under test: specs run by the program `engine-runner`, one after another in one
process, and what came out, read by Pillow."""

import io
import itertools
import json
import pathlib
import subprocess

import PIL.Image


class Refused(Exception):
    """The engine said no: `name` of the code, and the sentence."""

    def __init__(self, answer):
        super().__init__(f"{answer['name']}: {answer['text']}")
        self.name = answer["name"]
        self.text = answer["text"]


class Output:
    """One output: what the engine says of it, and its bytes."""

    def __init__(self, said):
        self.name, self.format = said["name"], said["format"]
        self.size = said["width"], said["height"]
        self.path = pathlib.Path(said["path"])
        self.data = self.path.read_bytes()
        assert len(self.data) == said["bytes"]

    @property
    def picture(self):
        """As Pillow reads it; what it cannot read, as the vips program does."""
        return picture_of(self.path, self.data)


def picture_of(path, data):
    try:
        picture = PIL.Image.open(io.BytesIO(data))
    except PIL.UnidentifiedImageError:
        read = path.with_name(path.name + ".png")
        subprocess.run(["vips", "copy", path, read], check=True)
        picture = PIL.Image.open(io.BytesIO(read.read_bytes()))
    picture.load()
    return picture


def bytes_of(picture, form="PNG", **options):
    """A Pillow image as a file in memory."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


class Engine:
    def __init__(self, program, directory):
        self.program = program
        self.directory = pathlib.Path(directory)
        self.runs = itertools.count()
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def stop(self):
        """An orderly end. The exit status."""
        self.process.stdin.close()
        return self.process.wait(60)

    def ask(self, *lines):
        """Send requests, of which the last has an answer."""
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            status = self.process.wait(60)
            self.start()
            raise AssertionError(f"the engine died with status {status} of:\n"
                                 + "\n".join(lines)[:4000])
        answer = json.loads(answer)
        if answer["code"] != 0:
            raise Refused(answer)
        return answer

    def file_of(self, image):
        if not isinstance(image, bytes):
            return image
        path = self.directory / f"in{next(self.runs)}"
        path.write_bytes(image)
        return path

    def outputs(self, image, spec, inputs=(), **limits):
        """All outputs of a spec, run on bytes or a path."""
        run = next(self.runs)
        lines = ["reset", f"image {self.file_of(image)}"]
        lines += [f"input {self.file_of(one)}" for one in inputs]
        lines += [f"limit {name} {value}" for name, value in limits.items()]
        lines.append(f"run {self.directory}/out{run}- {json.dumps(spec)}")
        return [Output(said) for said in self.ask(*lines)["outputs"]]

    def output(self, image, *steps, **settings):
        """The one output of steps; PNG unless told otherwise."""
        spec = {"steps": list(steps), "outputs": [{"format": "png", **settings}]}
        return self.outputs(image, spec)[0]

    def parse(self, spec):
        """The canonical form of a spec."""
        return self.ask(f"parse {json.dumps(spec)}")["spec"]

    def schema(self):
        return self.ask("schema")["schema"]
