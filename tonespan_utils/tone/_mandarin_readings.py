"""Mandarin characters to dictionary readings in context: words by jieba, readings by pypinyin, and what pypinyin lacks.

A reading is pinyin without marks and a tone digit (``lv4``, ``men5``; v is ü, 5 the neutral tone); 一 and 不 keep their
citation tones 1 and 4 here. Corrections apply where pypinyin has no phrase and falls back to single characters
(子, 为, 长, 得, 地, 只), and to second syllables that the standard has as neutral.
"""

from __future__ import annotations

import logging
import re
import warnings
from functools import lru_cache

from tonespan_utils.tone._hanzi import NUMERIC, Unit

with warnings.catch_warnings():  # jieba's regular expressions and its import of pkg_resources warn
    warnings.simplefilter("ignore")
    import jieba
    from pypinyin import Style, lazy_pinyin
    from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
    from pypinyin.contrib.mmseg import seg
jieba.setLogLevel(logging.ERROR)  # it reports the loading of its dictionary

DEFAULTS = {  # the commoner reading of a character that is in no known phrase
    "长": "chang2", "得": "de5", "勒": "le4", "什": "shi2", "血": "xue4", "框": "kuang4", "甸": "dian4", "萎": "wei3",
    "伯": "bo2", "薄": "bo2", "为": "wei2", "塞": "sai4",
}  # fmt: skip
FIXED = {  # words in which pypinyin takes the rarer reading
    "蒙古": "meng3 gu3", "朝鲜": "chao2 xian3", "照片": "zhao4 pian4", "肚子": "du4 zi5", "尼泊尔": "ni2 bo2 er3",
    "几内亚": "ji1 nei4 ya4", "好处": "hao3 chu5", "流血": "liu2 xue4", "出血": "chu1 xue4", "运转": "yun4 zhuan3",
    "哮喘": "xiao4 chuan3", "布什": "bu4 shi2", "网吧": "wang3 ba1", "登场": "deng1 chang3", "温差": "wen1 cha1",
    "落差": "luo4 cha1", "青藏": "qing1 zang4", "进行曲": "jin4 xing2 qu3", "着陆": "zhuo2 lu4", "着火": "zhao2 huo3",
}  # fmt: skip
FOR = frozenset("了此何因")  # 为 before these is wei4, "for"
BECOME = frozenset("称作视定列约均皆仅多名选评转变分即成改译读誉")  # 为 after these is wei2, "as"
HEADS = frozenset(
    "乡市县省部校院局处科班队厂会首家店行镇村船机团营连排军师州区司董增成生助滋组所社站兄学馆酋书员计谋族厅"
)
GAINED = frozenset("获取夺赢所心难求博购彼")  # X得 with a full tone: what X gains
FULL_ZI = frozenset(  # X子 with a full third tone: the learned, the noble, particles of physics, seeds
    "电男女太公原天离莲孔童母精因孝瓜中质孟皇分量粒光王弟君父才赤墨老庄荀晏士学浪逆长嫡核配算介胶强轻重"
    "次卵义烈西扬弃松鱼"
)
COUNTED = NUMERIC | frozenset("两几这那每多")  # 只 after these is the measure word zhi1
VERBS_TWICE = frozenset(
    "看想试说听谢等尝走坐问读写聊谈玩逛猜找歇躺瞧帮劝擦翻"
)  # AA: do it a little; the second is neutral
KIN = frozenset("爸妈哥姐弟妹爷奶叔伯舅姑婶嫂公婆姥娃星猩娘太爹")  # AA as well
NEUTRAL_WORDS = """
    东西 朋友 时候 先生 学生 事情 衣服 名字 喜欢 漂亮 明白 清楚 认识 知识 消息 力量 眼睛 耳朵 头发 嘴巴 脑袋 关系
    部分 干净 舒服 麻烦 热闹 厉害 聪明 老实 糊涂 马虎 客气 脾气 力气 运气 福气 秀气 阔气 小气 和气 口气 丈夫 夫人
    姑娘 媳妇 女婿 亲戚 闺女 丈人 祖宗 师父 师傅 护士 和尚 道士 秀才 状元 木匠 石匠 铁匠 掌柜 伙计 奴才 财主 寡妇
    老婆 老爷 少爷 丫鬟 太阳 月亮 云彩 砖头 甜头 苦头 码头 棉花 粮食 豆腐 烧饼 月饼 点心 葡萄 核桃 石榴 甘蔗 蘑菇
    芝麻 高粱 庄稼 牡丹 玫瑰 葫芦 牲口 骆驼 狐狸 苍蝇 跳蚤 刺猬 喇叭 琵琶 胡琴 玻璃 窗户 抽屉 扫帚 笤帚 簸箕 扁担
    帐篷 灯笼 风筝 栅栏 篱笆 包袱 口袋 行李 戒指 首饰 铃铛 指甲 胳膊 屁股 脊梁 眉毛 下巴 巴掌 唾沫 咳嗽 喷嚏 哈欠
    膏药 衙门 官司 规矩 道理 主意 心思 见识 学问 本事 笑话 故事 相声 秧歌 名堂 模样 牢骚 累赘 交情 商量 打听 打扮
    打发 打量 打算 答应 招呼 称呼 照顾 照应 对付 应付 应酬 收拾 拾掇 休息 歇息 耽误 耽搁 琢磨 吩咐 嘱咐 教训 欺负
    吓唬 埋怨 告诉 佩服 奉承 巴结 吆喝 嘀咕 唠叨 嘟囔 念叨 比划 摸索 张罗 提防 溜达 转悠 忽悠 动弹 翻腾 折磨 连累
    凑合 养活 眨巴 活泼 结实 扎实 踏实 厚实 壮实 严实 快活 凉快 痛快 勤快 爽快 热乎 在乎 近乎 含糊 模糊 迷糊 委屈
    冤枉 别扭 窝囊 邋遢 利落 利索 麻利 机灵 俏皮 大方 宽敞 苗条 妥当 稳当 停当 便当 行当 疏忽 稀罕 厚道 恶心 富余
    匀称 在行 多少 困难 态度 味道 书记 尺寸 价钱 岁数 记性 记号 牌楼 招牌 窟窿 棺材 嫁妆 炮仗 合同 差事 队伍 弟兄
    街坊 火候 能耐 柴火 活计 进项 婆家 娘家 冤家 架势 叫唤 姐夫 妹夫 姑父 妯娌 烟筒 妖精 晚上 早上 身上 心里 地上
    路上 夜里 街上 皇上 外边 里边 上边 下边 前边 后边 左边 右边 东边 南边 西边 北边 还是 要是 讲究 王爷 时辰 特务
    风水 补丁
"""  # of two characters, the second neutral in the standard, beyond those that pypinyin has
NEUTRAL = frozenset(NEUTRAL_WORDS.split())

NUMERAL_WORD = re.compile("百分之|零?[一二三四五六七八九两十][十百千]?|.")


def readable(char: str) -> bool:
    """Whether pypinyin knows the character."""
    return ord(char) in PINYIN_DICT


def words(phrase: list[Unit]) -> list[tuple[str, int]]:
    """The words of a phrase, each with the index of its first unit; a numeral is several words of the same unit."""
    found: list[tuple[str, int]] = []
    index = 0
    while index < len(phrase):
        if phrase[index].is_numeral:
            found.extend((word, index) for word in NUMERAL_WORD.findall(phrase[index].spoken))
            index += 1
            continue
        end = index
        while end < len(phrase) and not phrase[end].is_numeral:
            end += 1
        for word in jieba.lcut("".join(unit.spoken for unit in phrase[index:end])):
            found.append((word, index))
            index += len(word)
    return found


def read(word: str, *, before: str = "", after: str = "") -> tuple[str, ...]:
    """One reading per character of ``word``, which stands between the words ``before`` and ``after``."""
    if word == "地" and len(before) > 1 and after:
        return ("de5",)  # after an adverb
    if word == "为" and before[-1:] not in BECOME and after[:1] not in NUMERIC:
        return ("wei4",)  # a preposition
    if word == "只" and before[-1:] in COUNTED:
        return ("zhi1",)
    return read_word(word)


@lru_cache(maxsize=65536)
def read_word(word: str) -> tuple[str, ...]:
    """One reading per character of a word on its own."""
    readings: list[str] = []
    for piece in [word] if word in PHRASES_DICT or word in FIXED else seg.cut(word):
        if len(piece) == 1:
            readings.append(_read_single(word, len(readings)))
        else:
            readings.extend(_pypinyin(piece))
    return tuple(_correct(word, index, reading) for index, reading in enumerate(readings))


def _pypinyin(piece: str) -> list[str]:
    if piece in FIXED:
        return FIXED[piece].split()
    return lazy_pinyin([piece], style=Style.TONE3, neutral_tone_with_five=True)


def _read_single(word: str, index: int) -> str:
    """A character that no phrase of the dictionary covers."""
    char, before = word[index], word[max(0, index - 1) : index]
    if char == "子":
        return "zi5" if before and before not in FULL_ZI else "zi3"
    if char == "只" and before in COUNTED:
        return "zhi1"
    if char == "为" and (before == "因" or word[index + 1 : index + 2] in FOR):
        return "wei4"
    return DEFAULTS.get(char) or _pypinyin(char)[0]


def _correct(word: str, index: int, reading: str) -> str:
    """Citation tones of 一 and 不, heads and gains, and neutral second syllables."""
    char, pair, ends = word[index], word[max(0, index - 1) : index + 1], index == len(word) - 1
    if char == "一" or (char == "不" and reading[-1] != "5"):
        return "yi1" if char == "一" else "bu4"
    if char == "长" and ends and pair[0] in HEADS:
        return "zhang3"
    if char == "得" and len(word) > 1 and (index == 0 or pair[0] in GAINED):
        return "de2"
    twice = len(pair) == 2 and pair[0] == pair[1] and (char in KIN or (char in VERBS_TWICE and len(word) == 2))
    is_neutral = twice or (pair in NEUTRAL and (ends or word[index + 1] in "们儿"))
    return reading[:-1] + "5" if is_neutral else reading
