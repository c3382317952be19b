"""The Redis that the component `redis` brings, and what points at one that exists."""

import base64
import contextlib
import re
import shutil
import socket
import subprocess
import time

import pytest
import yaml

import envoy_gateway
from manifests import (
    KUBERNETES, NAMES, find, kustomize, load, of_kind, pod_spec, proxy_kind, settings,
    shares_limits, sidecar, text,
)  # fmt: skip

SECRET = "limits-store"
SCRIPT = KUBERNETES / "components/redis/secret"
CREDENTIALS = "--store-credentials="
READY_SECONDS = 20

pytestmark = pytest.mark.skipif(not kustomize(), reason="no kustomize: the manifests are not built")
sharing = pytest.mark.parametrize(
    "name", [name for name in NAMES if kustomize() and shares_limits(load(name))]
)
with_redis = pytest.mark.parametrize(
    "name", [name for name in NAMES if kustomize() and "//limits-store." in text(name)]
)


def test_there_are_variants_with_and_without_a_store():
    shared = [name for name in NAMES if shares_limits(load(name))]
    assert shared == ["several-replicas", "overlays/deployment", "overlays/store"]
    assert not of_kind(load("overlays/store"), "StatefulSet")


@sharing
def test_each_tollgate_reads_the_password_from_the_secrets_file(name):
    built = load(name)
    container = sidecar(built)
    (path,) = [a.removeprefix(CREDENTIALS) for a in container["args"] if a.startswith(CREDENTIALS)]
    (mount,) = [m for m in container["volumeMounts"] if path.startswith(m["mountPath"] + "/")]
    assert mount["readOnly"]
    (volume,) = [v for v in pod_spec(built)["volumes"] if v["name"] == mount["name"]]
    # Of the Secret nothing else, Redis' part least of all.
    assert volume["secret"] == {
        "secretName": SECRET, "items": [{"key": "credentials", "path": path.rpartition("/")[2]}],
    }  # fmt: skip


@sharing
def test_no_password_is_in_any_manifest(name):
    assert not of_kind(load(name), "Secret")
    store = settings(load(name))["TOLLGATE_STORE"]
    assert "@" not in store and "TOLLGATE_STORE_CREDENTIALS" not in text(name)


def test_without_a_store_there_is_nothing_of_it():
    for name in NAMES:
        if not shares_limits(load(name)):
            assert "limits-store" not in text(name) and "--store" not in text(name), name
            assert "ALLOW_PLAINTEXT" not in text(name), name


# The Redis


def redis_pod(built: list[dict]) -> tuple[dict, dict, dict]:
    """(the workload, its pod's spec, its one container)."""
    workload = find(built, "StatefulSet", "limits-store", "ai-gateway")
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return workload, pod, container


def redis_conf(built: list[dict]) -> str:
    _, pod, _ = redis_pod(built)
    (volume,) = [v for v in pod["volumes"] if "configMap" in v]
    return find(built, "ConfigMap", volume["configMap"]["name"], "ai-gateway")["data"]["redis.conf"]


@with_redis
def test_the_address_is_its_services(name):
    built = load(name)
    service = find(built, "Service", "limits-store", "ai-gateway")
    (port,) = service["spec"]["ports"]
    workload, _, container = redis_pod(built)
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert port["targetPort"] in [p["name"] for p in container["ports"]]
    assert settings(built)["TOLLGATE_STORE"] == (
        f"redis://limits-store.ai-gateway.svc.cluster.local:{port['port']}"
    )


@with_redis
def test_there_is_never_a_second_one_beside_the_first(name):
    """A Deployment would make the next pod before the last one is known to be gone: two stores."""
    workload, _, _ = redis_pod(load(name))
    assert workload["spec"]["replicas"] == 1
    budget = find(load(name), "PodDisruptionBudget", "limits-store", "ai-gateway")["spec"]
    # And a node can be drained all the same.
    assert "minAvailable" not in budget and budget["maxUnavailable"] == 1


@with_redis
def test_only_the_gateways_pods_reach_it(name):
    built = load(name)
    workload, _, _ = redis_pod(built)
    labels = workload["spec"]["template"]["metadata"]["labels"]
    policies = of_kind(built, "NetworkPolicy")
    mine = [
        p["spec"] for p in policies
        if p["metadata"]["namespace"] == "ai-gateway"
        and p["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
    ]  # fmt: skip
    assert len(mine) == 1 and mine[0]["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = mine[0]["ingress"]
    # Pods of this namespace with the gateway's label, which Redis has not.
    (source,) = rule["from"]
    assert set(source) == {"podSelector"} and rule["ports"] == [{"port": 6379, "protocol": "TCP"}]
    wanted = source["podSelector"]["matchLabels"]
    assert wanted.items() <= proxy_kind(built)[1]["pod"]["labels"].items()
    assert not wanted.items() <= labels.items()
    assert mine[0]["egress"] == []
    monitor = find(built, "PodMonitor", "tollgate", "ai-gateway")
    assert not monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()


@with_redis
def test_it_has_no_privileges_and_room_for_what_it_may_hold(name):
    _, pod, container = redis_pod(load(name))
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsUser": 999, "runAsGroup": 999, "runAsNonRoot": True, "fsGroup": 999,
        "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    (held,) = re.findall(r"^maxmemory (\d+)mb$", redis_conf(load(name)), re.M)
    limit = envoy_gateway.quantity(container["resources"]["limits"]["memory"])
    assert int(held) << 20 <= limit * 3 // 4
    assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
    # Nothing can be written, the disk of the pod included.
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


# The real one, with the configuration as it is built and the Secret as it is made


def secret(*arguments: str) -> dict[str, str]:
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=True)
    made = yaml.safe_load(done.stdout)
    assert (made["kind"], made["metadata"]["name"]) == ("Secret", SECRET)
    return {key: base64.b64decode(value).decode() for key, value in made["data"].items()}


class Redis:
    """A server on a Unix socket, and clients of it that speak the protocol's inline form."""

    def __init__(self, folder, made: dict[str, str]):
        self.folder, self.path = folder, folder / "socket"
        (folder / "users.acl").write_text(made["users.acl"])
        self.user, _, self.password = made["credentials"].partition(":")
        conf = redis_conf(load("several-replicas"))
        conf = conf.replace("/etc/limits-store", str(folder))
        conf = re.sub(r"^port .*", f"port 0\nunixsocket {self.path}\ndir {folder}", conf, flags=re.M)
        (folder / "redis.conf").write_text(conf)

    @contextlib.contextmanager
    def running(self):
        with (self.folder / "log").open("wb") as log:
            child = subprocess.Popen(
                ["redis-server", self.folder / "redis.conf"], stdout=log, stderr=log
            )
            try:
                end = time.monotonic() + READY_SECONDS
                while not self.path.exists() and time.monotonic() < end:
                    assert child.poll() is None, (self.folder / "log").read_text()
                    time.sleep(0.02)
                yield self
            finally:
                child.terminate()
                child.wait(READY_SECONDS)

    def says(self, command: str, password: str | None = "") -> str:
        """The first line of its answer; `password` None: without any."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(READY_SECONDS)
            client.connect(str(self.path))
            lines = client.makefile("rb")
            if password is not None:
                client.sendall(f"AUTH {self.user} {password or self.password}\r\n".encode())
                said = lines.readline().decode().strip()
                if said != "+OK":
                    return said
            client.sendall(command.encode() + b"\r\n")
            return lines.readline().decode().strip()


@pytest.fixture
def redis(tmp_path):
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed: the configuration is not tried")
    with Redis(tmp_path, secret()).running() as server:
        yield server


def test_the_probes_need_no_password_and_nothing_else_goes_without(redis):
    assert redis.says("PING", None) == "+PONG"
    for command in ("GET tollgate:replicas", "INFO", "FLUSHALL", "CONFIG GET maxmemory", "KEYS *"):
        assert redis.says(command, None).startswith("-NOPERM"), command
    assert redis.says("PING", "another").startswith("-WRONGPASS")


def test_tollgates_user_may_do_what_tollgate_does_with_its_own_keys(redis):
    script = '''SCRIPT LOAD "return redis.call('HSET', KEYS[1], 'a', redis.call('TIME')[1])"'''
    assert redis.says(script) == "$40"
    loaded = "EVAL \"return redis.call('HSET', KEYS[1], 'a', redis.call('TIME')[1])\" 1 "
    for key in ("tollgate:replicas", "{tollgate:07}:open"):
        assert redis.says(loaded + key) == ":1", key
    assert redis.says("SET tollgate:response:1 2 PX 10000") == "+OK"
    for command in ("HELLO 3", "SELECT 0", "INFO server", "CONFIG GET maxmemory-policy"):
        assert not redis.says(command).startswith("-"), command
    # Nobody else's keys, and nothing that empties or changes the server.
    assert redis.says(loaded + "other").startswith(("-NOPERM", "-ERR"))
    for command in ("FLUSHALL", "CONFIG SET maxmemory 1", "SHUTDOWN", "KEYS *", "REPLICAOF NO ONE",
                    "ACL LIST", "MONITOR"):  # fmt: skip
        assert redis.says(command).startswith("-NOPERM"), command


def test_it_throws_nothing_out_and_keeps_nothing_on_a_disk(tmp_path, redis):
    assert redis.says("SET tollgate:response:1 2") == "+OK"
    assert redis.says("CONFIG GET maxmemory-policy") == "*2"
    assert "maxmemory-policy noeviction" in redis_conf(load("several-replicas"))
    before = {path.name for path in tmp_path.iterdir()}
    assert before == {"users.acl", "redis.conf", "log", "socket"}


def test_what_it_had_is_gone_after_a_restart(tmp_path, redis):
    again = tmp_path / "again"
    again.mkdir()
    server = Redis(again, secret())
    for expected in ("$-1", "$-1"):
        with server.running():
            assert server.says("GET tollgate:response:1") == expected
            assert server.says("SET tollgate:response:1 2") == "+OK"
        assert {path.name for path in again.iterdir()} == {"users.acl", "redis.conf", "log"}


def test_two_passwords_count_while_one_replaces_the_other(tmp_path):
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed: the configuration is not tried")
    old = secret()
    (hash_of_old,) = re.findall(r"#([0-9a-f]{64})", old["users.acl"])
    new = secret("--also", hash_of_old)
    assert new["credentials"] != old["credentials"]
    with Redis(tmp_path, new).running() as server:
        assert server.says("PING") == "+PONG"
        assert server.says("PING", old["credentials"].partition(":")[2]) == "+PONG"
    # And the secret of each never leaves its line.
    for made in (old, new):
        assert made["credentials"].partition(":")[2] not in made["users.acl"]


def test_the_secrets_script_refuses_what_it_does_not_know():
    for arguments in (["--also"], ["--also", "xyz"], ["--no-such"], ["x", "y"]):
        done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)
        assert done.returncode == 2 and not done.stdout, arguments
