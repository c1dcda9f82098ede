"""The names of the things that the samples show, in six languages, and a description of each in English."""

from collections.abc import Mapping
from typing import NamedTuple

LANGUAGES = ("en", "de", "fr", "es", "zh", "ja")


class Thing(NamedTuple):
    """A thing: its name in each of LANGUAGES, and what it is, in words that do not contain its name."""

    en: str
    de: str
    fr: str
    es: str
    zh: str
    ja: str
    gloss: str


THINGS: Mapping[str, Thing] = {
    thing.en: thing
    for thing in (
        Thing(
            "airplane",
            "Flugzeug",
            "avion",
            "avión",
            "飞机",
            "飛行機",
            "a machine with wings that carries passengers through the sky",
        ),
        Thing(
            "ambulance",
            "Krankenwagen",
            "ambulance",
            "ambulancia",
            "救护车",
            "救急車",
            "a vehicle that takes sick people to hospital",
        ),
        Thing("apple", "Apfel", "pomme", "manzana", "苹果", "りんご", "a round red fruit with a stalk"),
        Thing("ball", "Ball", "ballon", "pelota", "球", "ボール", "a round toy that is thrown and kicked"),
        Thing("banana", "Banane", "banane", "plátano", "香蕉", "バナナ", "a long curved yellow fruit"),
        Thing("bee", "Biene", "abeille", "abeja", "蜜蜂", "ミツバチ", "an insect with stripes that makes honey"),
        Thing(
            "bell", "Glocke", "cloche", "campana", "铃铛", "鐘", "a hollow piece of metal that rings when it is struck"
        ),
        Thing("bicycle", "Fahrrad", "vélo", "bicicleta", "自行车", "自転車", "a vehicle with two wheels and pedals"),
        Thing("bird", "Vogel", "oiseau", "pájaro", "鸟", "鳥", "a small animal with feathers that sings"),
        Thing("book", "Buch", "livre", "libro", "书", "本", "printed pages to read"),
        Thing(
            "bottle", "Flasche", "bouteille", "botella", "瓶子", "瓶", "a glass container with a narrow neck for drinks"
        ),
        Thing(
            "butterfly", "Schmetterling", "papillon", "mariposa", "蝴蝶", "蝶", "an insect with large coloured wings"
        ),
        Thing("car", "Auto", "voiture", "coche", "汽车", "自動車", "a motor vehicle with four wheels for a few people"),
        Thing("cat", "Katze", "chat", "gato", "猫", "猫", "a small pet that meows and hunts mice"),
        Thing("chair", "Stuhl", "chaise", "silla", "椅子", "椅子", "a seat for one person with a back and legs"),
        Thing("clock", "Uhr", "horloge", "reloj", "时钟", "時計", "an instrument that ticks and shows the time"),
        Thing("cow", "Kuh", "vache", "vaca", "奶牛", "牛", "a large farm animal that gives milk"),
        Thing("cup", "Tasse", "tasse", "taza", "杯子", "カップ", "a small vessel with a handle for coffee or tea"),
        Thing("dog", "Hund", "chien", "perro", "狗", "犬", "a pet that barks and guards the house"),
        Thing("drum", "Trommel", "tambour", "tambor", "鼓", "太鼓", "a round instrument that is beaten with sticks"),
        Thing("duck", "Ente", "canard", "pato", "鸭子", "アヒル", "a water bird that quacks and swims"),
        Thing("fire", "Feuer", "feu", "fuego", "火", "火", "hot burning flames"),
        Thing("fish", "Fisch", "poisson", "pez", "鱼", "魚", "an animal with fins that lives in water"),
        Thing("flower", "Blume", "fleur", "flor", "花", "花", "the coloured blossom of a plant"),
        Thing(
            "frog", "Frosch", "grenouille", "rana", "青蛙", "カエル", "a green animal that croaks and jumps near ponds"
        ),
        Thing(
            "guitar",
            "Gitarre",
            "guitare",
            "guitarra",
            "吉他",
            "ギター",
            "a wooden instrument whose strings are plucked",
        ),
        Thing("hammer", "Hammer", "marteau", "martillo", "锤子", "ハンマー", "a tool to drive nails"),
        Thing("heart", "Herz", "cœur", "corazón", "心", "心臓", "the organ that beats and pumps blood, a sign of love"),
        Thing(
            "helicopter",
            "Hubschrauber",
            "hélicoptère",
            "helicóptero",
            "直升机",
            "ヘリコプター",
            "an aircraft with a rotor that can hover",
        ),
        Thing("house", "Haus", "maison", "casa", "房子", "家", "a building with a roof where a family lives"),
        Thing("key", "Schlüssel", "clé", "llave", "钥匙", "鍵", "a piece of metal that opens a lock"),
        Thing("lamp", "Lampe", "lampe", "lámpara", "灯", "ランプ", "a device with a shade that gives light in a room"),
        Thing(
            "lightning",
            "Blitz",
            "éclair",
            "relámpago",
            "闪电",
            "稲妻",
            "a flash from a storm cloud, followed by thunder",
        ),
        Thing("moon", "Mond", "lune", "luna", "月亮", "月", "the bright crescent in the night sky"),
        Thing("mountain", "Berg", "montagne", "montaña", "山", "山", "a very high hill with snow on its top"),
        Thing("mushroom", "Pilz", "champignon", "seta", "蘑菇", "きのこ", "a fungus with a stem and a cap"),
        Thing("rain", "Regen", "pluie", "lluvia", "雨", "雨", "drops of water that fall from clouds"),
        Thing("rocket", "Rakete", "fusée", "cohete", "火箭", "ロケット", "a craft that flies into space"),
        Thing(
            "sailboat", "Segelboot", "voilier", "velero", "帆船", "ヨット", "a small ship that is driven by the wind"
        ),
        Thing("scissors", "Schere", "ciseaux", "tijeras", "剪刀", "はさみ", "a tool with two blades to cut paper"),
        Thing(
            "snowman",
            "Schneemann",
            "bonhomme de neige",
            "muñeco de nieve",
            "雪人",
            "雪だるま",
            "a winter figure of white balls with a carrot nose",
        ),
        Thing("sun", "Sonne", "soleil", "sol", "太阳", "太陽", "the star that shines by day"),
        Thing(
            "table", "Tisch", "table", "mesa", "桌子", "テーブル", "a piece of furniture with a flat top and four legs"
        ),
        Thing(
            "telephone",
            "Telefon",
            "téléphone",
            "teléfono",
            "电话",
            "電話",
            "a device that rings and lets people talk far apart",
        ),
        Thing("train", "Zug", "train", "tren", "火车", "列車", "a locomotive with carriages that runs on rails"),
        Thing("tree", "Baum", "arbre", "árbol", "树", "木", "a tall plant with a trunk and leaves"),
        Thing(
            "umbrella", "Regenschirm", "parapluie", "paraguas", "雨伞", "傘", "a folding cover that keeps people dry"
        ),
    )
}
