"""Mandarin frames: 150 syllables that have a character for each of the tones 1 to 4.

Characters show no tone, so each was chosen to be read in one way wherever it stands among the others; how is described
in :mod:`tools.make_mandarin_table`, the script that made the table. Not every one is common: some syllables have a tone
that only rare characters write. Left out are 一 and 不 and the neutral tone.

A sentence must not have two third tones in a row: the first would be spoken with the second tone.

Sounds: eSpeak NG's Mandarin table. A medial glide, written into the onset in IPA, is spoken within the nucleus, where
that table has it. Its one piece for ``ong`` is left for a vowel and a nasal with times of their own. Tone 3 is 214.
"""

from __future__ import annotations

import re

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller

CHAO = {"1": "55", "2": "35", "3": "214", "4": "51"}

INITIALS = {  # pinyin -> (IPA, eSpeak)
    "": ("", ""), "b": ("p", "p"), "p": ("pʰ", "ph"), "m": ("m", "m"), "f": ("f", "f"), "d": ("t", "t"),
    "t": ("tʰ", "th"), "n": ("n", "n"), "l": ("l", "l"), "g": ("k", "k"), "k": ("kʰ", "kh"), "h": ("x", "X"),
    "j": ("tɕ", "tS;"), "q": ("tɕʰ", "tS;h"), "x": ("ɕ", "S;"), "zh": ("ʈʂ", "ts."), "ch": ("ʈʂʰ", "ts.h"),
    "sh": ("ʂ", "s."), "z": ("ts", "ts"), "c": ("tsʰ", "tsh"), "s": ("s", "s"), "r": ("ɻ", "z."),
}  # fmt: skip
FINALS = {  # pinyin after a consonant, v for ü -> (glide, nucleus, coda, eSpeak nucleus, eSpeak coda)
    "a": ("", "a", "", "A", ""), "o": ("", "o", "", "o", ""), "e": ("", "ɤ", "", "o-", ""),
    "i": ("", "i", "", "i", ""), "u": ("", "u", "", "u", ""), "v": ("", "y", "", "y", ""),
    "ai": ("", "ai", "", "ai", ""), "ei": ("", "ei", "", "ei", ""), "ao": ("", "au", "", "Au", ""),
    "ou": ("", "ou", "", "ou", ""), "an": ("", "a", "n", "a", "n"), "en": ("", "ə", "n", "@", "n"),
    "ang": ("", "ɑ", "ŋ", "A", "N"), "eng": ("", "ə", "ŋ", "@", "N"), "ong": ("", "ʊ", "ŋ", "u", "N"),
    "in": ("", "i", "n", "i", "n"), "ing": ("", "i", "ŋ", "i", "N"), "vn": ("", "y", "n", "y@", "n"),
    "ia": ("j", "a", "", "iA", ""), "ie": ("j", "e", "", "iE", ""), "iao": ("j", "au", "", "iAu", ""),
    "iu": ("j", "ou", "", "iou", ""), "ian": ("j", "ɛ", "n", "iE", "n"), "iang": ("j", "ɑ", "ŋ", "iA", "N"),
    "iong": ("j", "ʊ", "ŋ", "yu", "N"), "ua": ("w", "a", "", "uA", ""), "uo": ("w", "o", "", "uo", ""),
    "uai": ("w", "ai", "", "uai", ""), "ui": ("w", "ei", "", "uei", ""), "uan": ("w", "a", "n", "ua", "n"),
    "un": ("w", "ə", "n", "u@", "n"), "uang": ("w", "ɑ", "ŋ", "uA", "N"), "ve": ("ɥ", "e", "", "yE", ""),
    "van": ("ɥ", "ɛ", "n", "y&", "n"),
}  # fmt: skip
APICAL = {"z": ("ɹ̩", "i["), "zh": ("ɻ̩", "i.")}  # the vowel of zi ci si, of zhi chi shi ri
APICAL |= {"c": APICAL["z"], "s": APICAL["z"], "ch": APICAL["zh"], "sh": APICAL["zh"], "r": APICAL["zh"]}
SPELLED_ALONE = {  # syllables without a consonant -> the final as it is spelled after one
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui", "wan": "uan",
    "wen": "un", "wang": "uang", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn",
}  # fmt: skip
PINYIN = re.compile("(zh|ch|sh|[bpmfdtnlgkhjqxzcsr]?)([a-z]+)")

# pinyin and the characters of its tones 1 to 4
TABLE = """
    ai埃癌矮碍 ao凹熬袄奥 ba八拔靶罢 bai掰白百败 bao包雹保报 beng崩甭繃泵 bi逼鼻比必 bo播博跛檗 bu庯醭补部 cai偲才彩菜
    can餐残惨灿 cha插茶衩诧 chai拆犲茝虿 chan搀缠产忏 chang昌常厂唱 chao超朝炒仯 chen琛沉鍖趁 cheng称成逞秤
    chi吃持尺赤 chong充崇宠铳 chou抽仇丑臭 chu出除础触 chuan穿船喘串 chuang窗床闯创 ci齹词此次 cun村存忖吋 cuo撮虘脞措
    da搭答打大 dao刀捯导到 di低敌底第 du督独赌渡 duo多夺躲舵 e妸额噁鄂 fa彂罚法珐 fan番繁返范 fang芳房访放 fei非肥匪费
    fen纷坟粉份 feng封冯讽奉 fu肤服府复 ga嘎噶尕尬 ge歌革舸各 gen根哏艮亘 guo郭国果过 hai嗨孩海害 han酣含喊汉
    hao蒿毫好号 hou齁侯吼后 hu忽湖浒互 huan獾环缓患 huang荒皇恍皝 hui挥回毁会 huo吙活火或 ji机级挤技 jia加颊甲价
    jie接节檞界 ju居局举据 kuang匡狂夼况 kui亏魁跬溃 la拉剌喇腊 lang啷郎朗浪 lao捞劳老涝 liao蹽疗叾料 lin拎林凛赁
    liu熘流柳六 lu噜卢虏路 luo啰罗裸络 ma嬷麻码骂 man颟蛮满慢 mao猫毛卯贸 meng擝盟猛梦 mi眯迷米秘 miao喵描秒庙
    mo摸摩懡末 nan囡南赧婻 nao孬挠脑淖 ni妮尼你逆 nian拈年捻念 pang乓旁嗙胖 pao抛袍跑炮 peng烹朋捧碰 pi批皮匹屁
    piao飘瓢瞟票 pin拼频品聘 po坡鄱颇破 pu扑葡普瀑 qi七其企器 qian千前浅欠 qiang枪墙抢炝 qiao敲桥巧鞘 qin侵秦笉沁
    qing清情请庆 qu区渠取去 quan圈全犬券 sha杀啥傻霎 she奢舌捨设 shen深神审肾 sheng声绳省圣 shi师时使市 shu书熟署树
    sui虽随髓岁 tan滩坛坦探 tang汤堂倘趟 tao涛桃讨套 ti梯题体替 tian天田舔掭 tiao庣条窕跳 tong通童统恸 tou偷投钭透
    tu突图土兔 tuan湍团疃湪 tui推颓腿退 tuo托陀妥唾 wan湾完晚万 wang汪王往望 wei危维委位 wen温文稳璺 wu乌吴武物
    xi西席禧戏 xia瞎辖閜下 xian先闲显现 xiang香祥响向 xiao消淆小效 xie些协冩械 xin新鐔伈信 xing腥形醒性 xu需徐许续
    xuan宣旋选眩 xue薛穴雪谑 ya鸭牙雅亚 yan烟研眼验 yang央杨氧样 yao腰摇咬要 ye椰耶也业 yi依宜以义 yin因银引印
    ying英营影硬 yong拥喁永用 you优由有又 yu淤于语域 yuan渊员远院 yun氳郧陨运 zan兂咱儹赞 zao遭凿早造 zha渣闸眨炸
    zhai斋宅窄寨 zhe遮哲者这 zhi之直纸治 zhou州轴肘宙 zhu朱逐主住
"""


def speller() -> Speller:
    """All 150 frames; syllables of a sentence stand without spaces."""
    frames = tuple(_frame(entry[:-4], entry[-4:]) for entry in TABLE.split())
    return Speller(language="cmn", voice="cmn", tones=tuple(CHAO), frames=frames, chao=CHAO, joiner="")


def _frame(pinyin: str, characters: str) -> Frame:
    initial, final = PINYIN.fullmatch(pinyin).groups() if pinyin not in SPELLED_ALONE else ("", SPELLED_ALONE[pinyin])
    if initial in ("j", "q", "x") and final[0] == "u":
        final = "v" + final[1:]
    onset, onset_sound = INITIALS[initial]
    glide, nucleus, coda, nucleus_sound, coda_sound = FINALS[final]
    if final == "i" and initial in APICAL:
        nucleus, nucleus_sound = APICAL[initial]
    sounds = (("onset", onset_sound), ("nucleus", nucleus_sound), ("coda", coda_sound))
    spelling = dict(zip(CHAO, characters, strict=True))
    return Frame(onset + glide, nucleus, coda, tuple(pair for pair in sounds if pair[1]), spelling)
