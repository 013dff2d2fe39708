"""The JSON Schema of scenario files, for editors: completion, ranges and units while one types."""

from typing import Any

from sim.levers import kinds, lever_class
from sim.made_worlds import WORLDS
from sim.places import read_world, worlds
from sim.plugins import PROCESSES, names, process_class
from sim.scenario import Scenario

# of the parameters' own notes, what an editor shows is put into the description
_NOTES = ("title", "unit", "source", "scale", "bounds", "sweep", "zone", "$defs")


def scenario_schema(world: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 7, which TOML editors know) of scenario files.

    Parameters
    ----------
    world
        Id of the world whose zones are offered; absent: the world of a scenario that names none.
    """
    zones = list(read_world(world or str(Scenario.model_fields["world"].default)).zone_index)
    drawn = Scenario.model_json_schema(by_alias=True)
    schema = _drawn_for_editors(drawn, drawn["$defs"], zones)
    del schema["properties"]["id"]  # the name of the file
    made = [kind.model_json_schema() for kind in WORLDS.values()]
    schema["properties"]["world"] = {
        "description": schema["properties"]["world"]["description"],
        "default": Scenario.model_fields["world"].default,
        "oneOf": [
            {"enum": worlds()},
            {"type": "string", "pattern": "/"},
            *(_drawn_for_editors(table, {}, zones) for table in made),
        ],
    }
    schema["properties"]["processes"] |= {
        "properties": {
            name: _drawn_for_editors(process.model_json_schema(), {}, zones)
            for name in names(PROCESSES)
            if (process := process_class(name))
        },
        "additionalProperties": False,
    }
    levers = [
        lever.model_json_schema(by_alias=True) for kind in kinds() if (lever := lever_class(kind)) is not None
    ]
    schema["properties"]["policies"]["items"] = {
        "oneOf": [
            *(_drawn_for_editors(lever, lever.get("$defs", {}), zones) for lever in levers),
            _removal(),
            _change(),
        ]
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Scenario", **schema}


def _removal() -> dict[str, Any]:
    return {
        "description": "Takes an inherited policy away.",
        "type": "object",
        "properties": {"id": {"type": "string"}, "remove": {"const": True}},
        "required": ["id", "remove"],
        "additionalProperties": False,
    }


def _change() -> dict[str, Any]:
    return {
        "description": "Changes some keys of an inherited policy.",
        "type": "object",
        "properties": {"id": {"type": "string"}},
        "required": ["id"],
        "not": {"anyOf": [{"required": ["kind"]}, {"required": ["remove"]}]},
    }


def _drawn_for_editors(
    drawn: dict[str, Any], definitions: dict[str, Any], zones: list[str]
) -> dict[str, Any]:
    """Return pydantic's drawing of a table or value in the words that editors understand."""
    if "$ref" in drawn:
        drawn = definitions[drawn["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in drawn:  # TOML has no null: an optional key is just left out
        drawn = {key: value for key, value in drawn.items() if key != "anyOf"} | drawn["anyOf"][0]
    schema = {key: value for key, value in drawn.items() if key not in _NOTES}
    if schema.get("default", {}) in (None, {}) or isinstance(schema["default"], dict):
        schema.pop("default", None)
    if "properties" in drawn:
        schema["properties"] = {
            key: _drawn_for_editors(value, definitions, zones) for key, value in drawn["properties"].items()
        }
    items = schema.pop("prefixItems", [schema.get("items")])[0]
    if items:
        schema["items"] = _drawn_for_editors(items, definitions, zones)
    if drawn.get("zone"):
        schema["enum"] = zones
    if "bounds" in drawn:
        _limit(schema, *drawn["bounds"])
    if "description" in drawn:
        schema["description"] = _description(drawn)
    return schema


def _limit(schema: dict[str, Any], low: float, high: float) -> None:
    while "items" in schema:
        schema = schema["items"]
    schema |= {"minimum": low, "maximum": high}


def _description(drawn: dict[str, Any]) -> str:
    sentences = [drawn["description"].split("\n\n")[0].replace("\n", " ")]
    if drawn.get("unit", "-") != "-":
        sentences.append(f"Unit: {drawn['unit']}.")
    if "bounds" in drawn:
        low, high = drawn["bounds"]
        sentences.append(f"From {low:,g} to {high:,g}.")
    if drawn.get("source"):
        sentences.append(f"Source: {drawn['source']}.")
    return " ".join(sentences)
