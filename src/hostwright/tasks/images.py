"""Tasks on the public images that a VPS runs beside the application's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.collection import Collection

from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context


@command(name="list")
def list_(_: Context) -> None:
    """List the images, and which of them have no digest yet."""
    from hostwright import image_pins, paths

    for image in image_pins.read(paths.IMAGES):
        print(f"{image.name:<10} {image.ref:<28} {image.digest or 'unpinned'}")


@command()
def pin(_: Context) -> None:
    """Ask the registries for every image's digest and write it to ops/compose/images.yaml."""
    from hostwright import image_pins, paths

    image_pins.pin(paths.IMAGES, print)


namespace = Collection("images", list_, pin)
