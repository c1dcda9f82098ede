"""Sounds of MegaGlest: farm animals and wild ones, rain, water, nights and days, work and machines."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

# Most files are soldiers' voices; these stems are what can be named. Weather and wolves are copied from land to land.
_NAMED = (
    r"^(data/core/water_sounds/|techs/.*/(cow_|pig_|chicken|bull_|bee\d|eagle_(ack|die|fly|select)|ele\d|eleatt|elewalk|sheep|"
    r"snake_|anvil|arrow_hit|catapult_(attack|hit|walk)|horseman_walk|worker_(harvest|mine|build)|technician_(mine|build)|"
    r"dragon_(ack|die|attack|select)|machine_walk|airship_fly|tech_building_fall|minarett|wicker_fire)|"
    r"tilesets/(autumn|birch_forest|desert2)/|tilesets/(dark_forest|fernland|spring)/sounds/(day|night|rain)|"
    r"tilesets/mediterran/sounds/(night|desertday)|tilesets/(winter|winter_forest)/sounds/wind|"
    r"tilesets/pine_peat/sounds/mudchute|tilesets/hell/sounds/good_morning)"
)

DECLARATION = declare_sounds(
    name="megaglest_sounds",
    about="farm and wild animals, rain, water, days and nights in the country, work and machines",
    sounds=NamedSounds(
        package=debian("megaglest-data"),
        folder="usr/share/games/megaglest",
        drop=rf"^(?!{_NAMED[1:]})|music|aminos|loggerheads|romans|camp",
        folders=False,
        say={
            "cow ack": "cow mooing", "cow select": "cow mooing", "cow die": "cow dying",
            "pig ack": "pig grunting", "pig select": "pig grunting", "pig attack": "wild pig attacking",
            "pig die": "pig squealing",
            "chicken": "chicken clucking", "chicken ack": "chicken clucking", "chicken select": "chicken cackling",
            "chicken standing": "hens in the yard", "chicken die": "chicken squawking",
            "bull ack": "bull bellowing", "bull select": "bull bellowing", "bull attack": "bull snorting",
            "bull die": "bull dying",
            "bee": "bees buzzing",
            "eagle ack": "eagle screeching", "eagle select": "eagle screeching", "eagle die": "eagle cry",
            "eagle fly": "eagle wings flapping",
            "ele": "elephant trumpeting", "eleattack": "elephant attacking", "elewalk": "elephant walking",
            "sheep": "sheep bleating", "sheep die": "sheep dying cry",
            "snake attack": "snake hissing",
            "anvil": "hammer on an anvil", "arrow hit": "arrow hitting",
            "catapult attack": "catapult shot", "catapult hit": "catapult stone hitting",
            "catapult walk": "wooden wheels rolling", "horseman walk": "horse hooves walking",
            "worker harvest wood": "axe chopping wood", "worker mine": "pickaxe mining stone",
            "worker build": "hammering on a building", "technician build": "hammering metal",
            "technician mine": "drilling into rock",
            "dragon ack": "dragon growling", "dragon select": "dragon growling", "dragon die": "dragon dying",
            "dragon attack": "dragon breathing fire",
            "evil dragon ack": "dragon roaring", "evil dragon select": "dragon roaring",
            "evil dragon die": "dragon dying", "evil dragon attack": "dragon breathing fire",
            "machine walk": "heavy machine walking", "airship fly": "airship engine",
            "tech building fall": "building collapsing", "wicker fire": "bonfire burning",
            "minarett": "call from a minaret",
            "day": "birds on a sunny day", "sunny day": "birds on a sunny day", "night": "crickets at night",
            "nightime": "crickets at night", "desertday": "wind in the desert", "good morning": "birds in the morning",
            "rain": "rain falling", "water": "water splashing", "wind": "wind blowing", "wolf": "wolf howling",
            "rooster": "rooster crowing", "owl": "owl hooting", "hawk": "hawk screeching",
            "mudchute cow": "cow mooing",
        },
    ),
    licence="CC-BY-SA-3.0",
    expected=203,
)  # fmt: skip
