"""Speed of text to tone: syllables a CPU second in each language, on Article 1 of the Universal Declaration of Human
Rights over and over.

Conventions: the first passage, which loads dictionaries, is not counted; what a language keeps of words that come again
counts, as it does in running text.
"""

from __future__ import annotations

import time
from statistics import median

from tonespan_utils.tone import text_to_tone

MIN_S, ROUNDS = 1.0, 3
ARTICLE_1 = {
    "my": (
        "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင့် လည်းကောင်း၊ "
        "မွေးဖွားလာသူများ ဖြစ်သည်။ ထိုသူတို့၌ ပိုင်းခြား ဝေဖန်တတ်သော ဉာဏ်နှင့် ကျင့်ဝတ် သိတတ်သော စိတ်တို့ရှိကြ၍ "
        "ထိုသူတို့သည် အချင်းချင်း မေတ္တာထား၍ ဆက်ဆံကျင့်သုံးသင့်၏။"
    ),
    "th": (
        "มนุษย์ทั้งปวงเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างในตนมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ"
    ),
    "lo": (
        "ມະນຸດເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນໃນທາງກຽດຕິສັກ ແລະ ທາງສິດ ດ້ວຍມະນຸດມີສະຕິສຳປັດຊັນຍະ ແລະ ມີມະໂນທຳ ຈຶ່ງຕ້ອງປະພຶດຕົນຕໍ່ກັນໃນທາງພີ່ນ້ອງ"
    ),
    "vi": (
        "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con người đều được tạo "
        "hóa ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình bằng hữu."
    ),
    "cmn": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "yue": "人人生而自由，喺尊嚴同權利上一律平等。佢哋有理性同良心，而且應當以兄弟關係嘅精神相對待。",
    "yo": (
        "Gbogbo ènìyàn ni a bí ní òmìnira; iyì àti ẹ̀tọ́ kọ̀ọ̀kan sì dọ́gba. Wọ́n ní ẹ̀bùn ti làákàyè àti ti ẹ̀rí-ọkàn, "
        "ó sì yẹ kí wọn ó máa hùwà sí ara wọn gẹ́gẹ́ bí ọmọ ìyá."
    ),
}


def syllables_a_second(language: str) -> float:
    """Syllables of :data:`ARTICLE_1` a CPU second: the median of some rounds of a second and more."""
    text = ARTICLE_1[language]
    n_syllables, speeds = len(text_to_tone.syllables(text, language)), []
    for _ in range(ROUNDS):
        n_passages, start = 0, time.process_time()
        while (spent_s := time.process_time() - start) < MIN_S:
            text_to_tone.syllables(text, language)
            n_passages += 1
        speeds.append(n_passages * n_syllables / spent_s)
    return median(speeds)


def benchmark() -> dict[str, float | str]:
    """Syllables a second by language."""
    speeds = {f"{language}_syllables_a_s": syllables_a_second(language) for language in text_to_tone.MODULES}
    return speeds | {"note": "Article 1 of the Universal Declaration of Human Rights over and over, one process"}
