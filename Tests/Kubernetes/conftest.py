"""Skips, visibly, where no kustomize is."""

import pytest

import manifests


@pytest.fixture(params=manifests.NAMES)
def built(request) -> list[dict]:
    """Each kustomization, built."""
    if not manifests.kustomize():
        pytest.skip("neither kubectl nor kustomize is installed: the manifests are not checked")
    return manifests.load(request.param)


@pytest.fixture
def name(request) -> str:
    return request.node.callspec.params["built"]
