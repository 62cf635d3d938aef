#!/usr/bin/python3
"""Checks the manifests of config/ without a cluster.

    manifests.py check FILE ...    their form, and the Pod Security level that they claim; prints what is wrong
    manifests.py list FILE DIR     writes each config in FILE to DIR/NAME.yaml and prints NAME and the capabilities
                                   that its container is granted, comma-separated: "-" for none, "nonroot" for a
                                   start without root; NAME is the ConfigMap's or the file's

The schema is the part of Kubernetes' (v1.29) and of the Compose specification that the manifests use, with nothing else
allowed, so that a misspelt field is an error.
"""
import os
import sys

import jsonschema
import yaml


def record(required=(), **properties):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def array(items):
    return {"type": "array", "items": items}


TEXT, FLAG, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
METADATA = record(["name"], name=TEXT, namespace=TEXT, labels={"type": "object", "additionalProperties": TEXT})
PROFILE = record(["type"], type={"enum": ["RuntimeDefault", "Localhost", "Unconfined"]}, localhostProfile=TEXT)
CONTEXT = {
    "runAsUser": NUMBER, "runAsGroup": NUMBER, "runAsNonRoot": FLAG, "seccompProfile": PROFILE,
}
CONTAINER = record(
    ["name", "image", "securityContext"], name=TEXT, image=TEXT, command=array(TEXT), args=array(TEXT),
    restartPolicy={"const": "Always"}, ports=array(record(["containerPort"], containerPort=NUMBER, name=TEXT)),
    startupProbe=record(exec=record(command=array(TEXT))),
    volumeMounts=array(record(["name", "mountPath"], name=TEXT, mountPath=TEXT, subPath=TEXT, readOnly=FLAG)),
    securityContext=record(
        ["allowPrivilegeEscalation", "capabilities"], allowPrivilegeEscalation=FLAG, readOnlyRootFilesystem=FLAG,
        capabilities=record(["drop"], drop={"const": ["ALL"]}, add=array(TEXT)), **CONTEXT))
POD = record(
    ["containers"], automountServiceAccountToken=FLAG, containers=array(CONTAINER), initContainers=array(CONTAINER),
    securityContext=record(fsGroup=NUMBER, supplementalGroups=array(NUMBER), **CONTEXT),
    volumes=array(record(
        ["name"], name=TEXT, configMap=record(["name"], name=TEXT), emptyDir=record(medium={"const": "Memory"}),
        persistentVolumeClaim=record(["claimName"], claimName=TEXT))))
HEAD = {"apiVersion": {"const": "v1"}, "metadata": METADATA}
KINDS = {
    "Namespace": record(["metadata"], kind={}, **HEAD),
    "ConfigMap": record(["metadata", "data"], kind={}, data={"type": "object", "additionalProperties": TEXT}, **HEAD),
    "PersistentVolumeClaim": record(["spec"], kind={}, spec=record(
        accessModes=array({"enum": ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"]}),
        resources=record(requests=record(storage=TEXT))), **HEAD),
    "Pod": record(["metadata", "spec"], kind={}, spec=POD, **HEAD),
}
COMPOSE = record(
    ["services"],
    services={"type": "object", "additionalProperties": record(
        ["image"], image=TEXT, entrypoint=array(TEXT), ports=array(TEXT), read_only=FLAG, tmpfs=array(TEXT),
        healthcheck=record(["test"], test=array(TEXT)), security_opt=array(TEXT), cap_drop=array(TEXT), cap_add=array(TEXT),
        volumes=array(TEXT))})

# Pod Security Standards: what may be added under each level.
BASELINE = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
            "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
RESTRICTED = {"NET_BIND_SERVICE"}


def containers(pod):
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]


def level_problems(pod, level):
    whole = pod["spec"].get("securityContext", {})
    for container in containers(pod):
        context = {**whole, **container["securityContext"]}
        added = set(context["capabilities"].get("add", []))
        allowed = RESTRICTED if level == "restricted" else BASELINE
        if not added <= allowed:
            yield f"{container['name']}: {level} does not allow {sorted(added - allowed)}"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{container['name']}: no seccompProfile"
        if level == "restricted" and (not context.get("runAsNonRoot") or context.get("runAsUser") == 0 or
                                      context.get("allowPrivilegeEscalation") is not False):
            yield f"{container['name']}: not restricted"


def problems(path):
    with open(path) as file:
        documents = list(yaml.safe_load_all(file))
    level = "baseline"
    for document in documents:
        schema = COMPOSE if "services" in document else KINDS[document["kind"]]
        for error in jsonschema.Draft7Validator(schema).iter_errors(document):
            yield f"{'/'.join(map(str, error.path))}: {error.message}"
        if document.get("kind") == "Namespace":
            level = document["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        if document.get("kind") == "Pod":
            yield from level_problems(document, level)


def granted(documents, path):
    """Pairs of a config's name and text, and what the container that uses it is granted."""
    for document in documents:
        for service in document.get("services", {}).values():
            for volume in service["volumes"]:
                source = os.path.join(os.path.dirname(path), volume.split(":")[0])
                with open(source) as file:
                    yield os.path.basename(source).removesuffix(".yaml"), file.read(), service["cap_add"]
        if document.get("kind") != "Pod":
            continue
        maps = {d["metadata"]["name"]: d["data"] for d in documents if d.get("kind") == "ConfigMap"}
        volumes = {v["name"]: v["configMap"]["name"] for v in document["spec"]["volumes"] if "configMap" in v}
        for container in containers(document):
            for mount in container.get("volumeMounts", []):
                if mount["name"] in volumes:
                    name = volumes[mount["name"]]
                    add = container["securityContext"]["capabilities"].get("add", [])
                    nonroot = {**document["spec"].get("securityContext", {}), **container["securityContext"]}.get("runAsNonRoot")
                    yield name, maps[name]["capshim.yaml"], ["nonroot"] if nonroot else add


def main():
    if sys.argv[1] == "check":
        for path in sys.argv[2:]:
            for problem in problems(path):
                print(f"{path}: {problem}")
        return
    with open(sys.argv[2]) as file:
        documents = list(yaml.safe_load_all(file))
    for name, text, capabilities in granted(documents, sys.argv[2]):
        with open(f"{sys.argv[3]}/{name}.yaml", "w") as file:
            file.write(text)
        print(name, ",".join(capabilities).lower() or "-")


main()
