"""Tasks on images: the public ones that a VPS runs, and a scan of the application's own."""

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


@command(help={"image": "The image, as its registry knows it; best with its digest."})
def scan(_: Context, image: str = "") -> None:
    """Refuse an image that has vulnerabilities that can be mended, or secrets.

    Example: `invoke images.scan --image ghcr.io/acme/shop/api@sha256:…`.
    """
    from hostwright import image_scan

    image_scan.scan(image)


namespace = Collection("images", list_, pin, scan)
