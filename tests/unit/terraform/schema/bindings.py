"""JavaScript as the bindings' generator writes it, as far as a schema is read from it."""

from __future__ import annotations

from textwrap import dedent, indent


def accessor(name: str, body: str, *, computed: bool = False, optional: bool = True) -> str:
    """One attribute of a class: the comment with its flags, and how it is read."""
    flags = (computed, optional, not (computed or optional))
    told = dict(zip(("computed", "optional", "required"), map(str, flags), strict=True))
    comment = ", ".join(f"{flag}: {value.lower()}" for flag, value in told.items())
    return f"    // {name} - {comment}\n    {body}\n"


def read(name: str, getter: str, **flags: bool) -> str:
    """An attribute with a simple value: ``getStringAttribute``."""
    return accessor(name, f"get {name}() {{ return this.{getter}('{name}'); }}", **flags)


def held(name: str, of: str, *, of_set: bool | None = None, **flags: bool) -> str:
    """An attribute or block with a nested value."""
    last = "" if of_set is None else f", {str(of_set).lower()}"
    return accessor(name, f'_{name} = new {of}(this, "{name}"{last});', **flags)


def writer(structure: str, *entries: str) -> str:
    """The function that writes a structure's configuration."""
    name = structure[0].lower() + structure[1:]
    return f"function {name}ToHclTerraform(struct) {{\n{_attrs(entries)}}}\n"


def entry(name: str, type_: str, storage: str, *, block: bool = False) -> str:
    """One attribute or block of it."""
    lines = f"""\
        {name}: {{
            value: cdktn.someToHclTerraform(struct.{name}),
            isBlock: {str(block).lower()},
            type: "{type_}",
            storageClassType: "{storage}",
        }},
    """
    return indent(dedent(lines), " " * 8)


def structure(name: str, *members: str) -> str:
    """The class of the object in a nested value."""
    return _class(f"{name}OutputReference", "cdktn.ComplexObject", members)


def collection(name: str, base: str = "ComplexList") -> str:
    """The class of a list of such objects."""
    item = (
        f"    get(index) {{ return new {name}OutputReference(this.terraformResource, index); }}\n"
    )
    return _class(f"{name}{base.removeprefix('Complex')}", f"cdktn.{base}", [item])


def resource(
    type_: str, members: list[str], entries: list[str], base: str = "TerraformResource"
) -> str:
    """The class of the type itself, which says its name, and of which provider's version it is."""
    head = (
        f'    static tfResourceType = "{type_}";\n    constructor() {{\n'
        f"                providerVersion: '1.2.3',\n    }}\n"
    )
    own = f"    synthesizeHclAttributes() {{\n{_attrs(entries)}    }}\n"
    return _class("Own", f"cdktn.{base}", [head, *members, own])


def _class(name: str, base: str, members: list[str] | tuple[str, ...]) -> str:
    return f"class {name} extends {base} {{\n{''.join(members)}}}\nexports.{name} = {name};\n"


def _attrs(entries: list[str] | tuple[str, ...]) -> str:
    return f"    const attrs = {{\n{''.join(entries)}    }};\n    return attrs;\n"
