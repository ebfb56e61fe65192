"""The Invoke tasks. Nothing heavy is imported here: ``invoke --list`` is what people type most."""

from invoke.collection import Collection

from hostwright.tasks import cloud, contract, general, images, vps

namespace = Collection(
    cloud.aws,
    cloud.azure,
    cloud.gcp,
    contract.namespace,
    images.namespace,
    vps.namespace,
    general.doctor,
    general.validate,
)

__all__ = ["namespace"]
