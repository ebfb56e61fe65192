"""From blueprints to what each role really gets, by way of the engines that will run them.

One module a kind of engine: it lays out a blueprint with :mod:`~hostwright.render.marks` for
values, lets the engine render it and reads the marks back. What comes out has the same shape for
every target (:mod:`~hostwright.render.model`), so that the same checks judge it.
"""
