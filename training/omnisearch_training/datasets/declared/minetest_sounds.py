"""Sounds of Minetest: footsteps on every ground, doors, fire, water, glass and digging."""

from omnisearch_training.datasets.named_sounds import NamedSounds, debian, declare_sounds

DECLARATION = declare_sounds(
    name="minetest_sounds",
    about="footsteps on many grounds, doors, fire, water, glass and digging",
    sounds=NamedSounds(
        package=debian("minetest-data"),
        folder="usr/share/games/minetest/games/minetest_game/mods",
        drop=r"place_node|dig_immediate|oddly|snappy|dug_node|player_damage|item_smoke|hard_footstep",
        say={
            "default": "", "doors": "", "env sounds": "", "xpanes": "", "tnt": "", "carts": "",
            "cart moving": "mine cart rolling",
            "break glass": "glass breaking",
            "chest close": "wooden chest closing", "chest open": "wooden chest opening",
            "cool lava": "hot lava hissing in water",
            "dig choppy": "axe chopping wood", "dig cracky": "pickaxe on stone", "dig crumbly": "digging earth",
            "dig metal": "pickaxe on metal", "dug metal": "metal breaking",
            "dirt footstep": "footstep on earth", "glass footstep": "footstep on glass",
            "grass footstep": "footstep on grass", "gravel footstep": "footstep on gravel",
            "ice footstep": "footstep on ice", "metal footstep": "footstep on metal",
            "sand footstep": "footstep on sand", "snow footstep": "footstep in snow",
            "water footstep": "footstep in water", "wood footstep": "footstep on wood",
            "gravel dig": "digging gravel", "gravel dug": "digging gravel",
            "ice dig": "hacking ice", "ice dug": "ice breaking",
            "furnace active": "furnace burning",
            "tool breaks": "tool breaking",
            "door close": "door closing", "door open": "door opening",
            "fencegate close": "fence gate closing", "fencegate open": "fence gate opening",
            "glass door close": "glass door closing", "glass door open": "glass door opening",
            "steel door close": "steel door closing", "steel door open": "steel door opening",
            "steel bar door close": "barred door closing", "steel bar door open": "barred door opening",
            "lava": "lava bubbling", "water": "water flowing",
            "fire extinguish flame": "flame going out",
            "fire fire": "fire crackling", "fire large": "large fire burning", "fire small": "small fire crackling",
            "fire flint and steel": "flint and steel striking",
            "explode": "explosion", "gunpowder burning": "gunpowder burning", "ignite": "fuse lighting",
        },
        folders=False,
    ),
    licence="CC-BY-SA-3.0 and CC-BY-3.0",
    expected=91,
)  # fmt: skip
