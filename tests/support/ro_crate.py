"""Reads an RO-Crate and checks what every Provenance Run Crate must be: references resolve, checksums are right."""
import hashlib
import json
import os
import re
from datetime import datetime
from urllib.parse import unquote_to_bytes, urlsplit

METADATA = b"ro-crate-metadata.json"
# Characters of a path in an IRI (RFC 3987): everything else is encoded.
PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=/]|%[0-9A-F]{2}|[^\x00-\x9f])*")
DONE, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
RUNNING = "http://schema.org/ActiveActionStatus"


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def types(entity):
    return as_list(entity["@type"])


def ids(value):
    return [item["@id"] for item in as_list(value) if isinstance(item, dict)]


def references(entity):
    return [(name, identifier) for name, value in entity.items() for identifier in ids(value)]


class Crate:
    """Made, it has been checked."""

    def __init__(self, folder):
        self.folder = os.fsencode(folder)
        with open(os.path.join(self.folder, METADATA), "rb") as file:
            self.data = json.loads(file.read().decode("utf-8"))
        self.graph = self.data["@graph"]
        self.entities = {entity["@id"]: entity for entity in self.graph}
        assert len(self.entities) == len(self.graph), "an id is there twice"
        self.root = self["./"]
        self._check_references()
        self._check_root()
        self._check_workflow()
        self._check_actions()
        self._check_files()

    def __getitem__(self, identifier):
        return self.entities[identifier]

    def of_type(self, name):
        return [entity for entity in self.graph if name in types(entity)]

    def resolve(self, value):
        return [self[identifier] for identifier in ids(value)]

    @property
    def workflow(self):
        return self[self.root["mainEntity"]["@id"]]

    def jobs(self):
        """The actions of jobs, by their names."""
        workflows = {entity["@id"] for entity in self.of_type("ComputationalWorkflow")}
        return {action["name"]: action for action in self.of_type("CreateAction")
                if action["instrument"]["@id"] not in workflows}

    def runs(self):
        """The actions of workflows."""
        jobs = {id(action) for action in self.jobs().values()}
        return [action for action in self.of_type("CreateAction") if id(action) not in jobs]

    def values(self, action):
        """The params, wildcards and settings of an action, by their names."""
        return {item["name"]: item["value"] for item in self.resolve(action["object"]) if "value" in item}

    def facts(self, action):
        return {item["name"]: item["value"] for item in self.resolve(action["additionalProperty"])}

    def files(self, value):
        """The paths of files and folders, as they were in the workflow."""
        return [item["name"] for item in self.resolve(value) if {"File", "Dataset"} & set(types(item))]

    def _check_references(self):
        for entity in self.graph:
            for name, identifier in references(entity):
                outside = urlsplit(identifier).scheme in ("http", "https")
                assert identifier in self.entities or outside, f"{entity['@id']}: {name} refers to {identifier}"

    def _check_root(self):
        descriptor = self["ro-crate-metadata.json"]
        assert descriptor["about"] == {"@id": "./"}
        assert ids(descriptor["conformsTo"])[0] == "https://w3id.org/ro/crate/1.1"
        assert "https://w3id.org/ro/wfrun/provenance/0.5" in ids(self.root["conformsTo"])
        for name in ("name", "description", "license"):
            assert self.root[name]
        datetime.fromisoformat(self.root["datePublished"])
        assert {action["@id"] for action in self.of_type("CreateAction")} <= set(ids(self.root["mentions"]))

    def _check_workflow(self):
        for workflow in self.of_type("ComputationalWorkflow"):
            assert {"File", "SoftwareSourceCode", "HowTo"} <= set(types(workflow))
            assert self.resolve(workflow["programmingLanguage"])[0]["name"] == "Snakemake"
            tools = ids(workflow["hasPart"])
            used = {action["instrument"]["@id"] for action in self.of_type("CreateAction")}
            assert tools and set(tools) <= used
            assert {ids(step["workExample"])[0] for step in self.resolve(workflow["step"])} == set(tools)
            for owner in [workflow, *self.resolve(workflow["hasPart"])]:
                self._check_parameters(owner)

    def _check_parameters(self, owner):
        for parameter in self.resolve(owner["input"]) + self.resolve(owner["output"]):
            assert types(parameter) == ["FormalParameter"] and parameter["additionalType"]
            example = self.resolve(parameter["workExample"])[0]
            assert parameter["@id"] in ids(example["exampleOfWork"])

    def _check_actions(self):
        for action in self.of_type("CreateAction"):
            tool = self.resolve(action["instrument"])[0]
            assert {"SoftwareApplication", "ComputationalWorkflow"} & set(types(tool))
            for item in self.resolve(action["object"]) + self.resolve(action["result"]):
                assert {"File", "Dataset", "PropertyValue"} & set(types(item))
            assert ("error" in action) == (action["actionStatus"] == FAILED)
            assert action["actionStatus"] in (DONE, FAILED, RUNNING)
            times = [datetime.fromisoformat(action[name]) for name in ("startTime", "endTime") if name in action]
            assert times and times == sorted(times)
            assert len(times) == 2 or action["actionStatus"] != DONE
        for engine in self.of_type("OrganizeAction"):
            assert types(self.resolve(engine["instrument"])[0]) == ["SoftwareApplication"]
            assert self.resolve(engine["result"])[0] in self.runs()
            steps = self.resolve(engine["object"])
            assert steps and all(types(step) == ["ControlAction"] for step in steps)
            for step in steps:
                assert types(self.resolve(step["instrument"])[0]) == ["HowToStep"]
                assert all(types(action) == ["CreateAction"] for action in self.resolve(step["object"]))

    def _check_files(self):
        reached, todo = set(), ["./"]
        while todo:
            identifier = todo.pop()
            if identifier not in reached:
                reached.add(identifier)
                todo += ids(self[identifier].get("hasPart"))
        found = set()
        for entity in self.graph:
            identifier = entity["@id"]
            if not {"File", "Dataset"} & set(types(entity)) or identifier == "./":
                continue
            assert identifier in reached, f"{identifier} is no part of the crate"
            if identifier.startswith("#"):
                assert entity["localPath"] and "Not included" in entity["description"]
                continue
            assert PATH.fullmatch(identifier), identifier
            path = unquote_to_bytes(identifier)
            place = os.path.join(self.folder, path)
            if "Dataset" in types(entity):
                assert identifier.endswith("/") and os.path.isdir(place)
                continue
            found.add(path)
            with open(place, "rb") as file:
                content = file.read()
            assert entity["contentSize"] == str(len(content))
            assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert found == {os.path.relpath(os.path.join(folder, name), self.folder)
                         for folder, _, names in os.walk(self.folder) for name in names} - {METADATA}
