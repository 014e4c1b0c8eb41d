"""Vega, once per site: the libraries and the charts' look in one file that needs no network."""

import json
from functools import cache

import altair as alt
import vl_convert

from superposition.site import figures

NAME = "vega.js"


@cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as `window.vegaEmbed`, and the look as `window.figureLook`."""
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    libraries = vl_convert.javascript_bundle(
        snippet="window.vegaEmbed = vegaEmbed;", vl_version=version
    )
    look = {
        "light": figures.config(dark=False),
        "dark": figures.config(dark=True),
        "swaps": figures.swaps(),
    }
    return (
        f"(function () {{\n{libraries}\n}})();\n"
        f"window.figureLook = {json.dumps(look, sort_keys=True)};\n"
    )
