"""The Invoke tasks. Nothing heavy is imported here: ``invoke --list`` is what people type most."""

from invoke.collection import Collection

from hostwright.tasks import ci, cloud, contract, general, images, kubernetes, setup, vps

namespace = Collection(
    ci.namespace,
    cloud.aws,
    cloud.azure,
    cloud.gcp,
    contract.namespace,
    images.namespace,
    kubernetes.namespace,
    setup.namespace,
    vps.namespace,
    general.doctor,
    general.validate,
)

__all__ = ["namespace"]
