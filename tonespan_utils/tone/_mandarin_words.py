"""Tables of Mandarin words and characters that the rules of the readings, of erhua and of the neutral tone go by.

Source of the kinds: Chao Y. R. (1968), *A Grammar of Spoken Chinese*, ch. 1 and 3 (neutral tone, erhua). The lists were
made for this project; which of two readings is commoner was counted in some 400 sentences as a news speaker read them.
"""

from __future__ import annotations

from tonespan_utils.tone._hanzi import NUMERIC

DEFAULTS = {  # the commoner reading of a character that is in no known phrase
    "长": "chang2", "得": "de5", "勒": "le4", "什": "shi2", "血": "xue4", "框": "kuang4", "甸": "dian4", "萎": "wei3",
    "伯": "bo2", "薄": "bo2", "为": "wei2", "塞": "sai4", "挣": "zheng4", "拽": "zhuai4", "沤": "ou4",
    "遛": "liu4", "场": "chang3",
}  # fmt: skip
FIXED = {  # words in which pypinyin takes the rarer reading
    "蒙古": "meng3 gu3", "朝鲜": "chao2 xian3", "照片": "zhao4 pian4", "肚子": "du4 zi5", "尼泊尔": "ni2 bo2 er3",
    "几内亚": "ji1 nei4 ya4", "好处": "hao3 chu5", "流血": "liu2 xue4", "出血": "chu1 xue4", "运转": "yun4 zhuan3",
    "哮喘": "xiao4 chuan3", "布什": "bu4 shi2", "网吧": "wang3 ba1", "登场": "deng1 chang3", "温差": "wen1 cha1",
    "落差": "luo4 cha1", "青藏": "qing1 zang4", "进行曲": "jin4 xing2 qu3", "着陆": "zhuo2 lu4", "着火": "zhao2 huo3",
    "恨不得": "hen4 bu4 de5", "巴不得": "ba1 bu4 de5", "怪不得": "guai4 bu4 de5", "舍不得": "she3 bu4 de5",
    "由不得": "you2 bu4 de5", "顾不得": "gu4 bu4 de5", "怨不得": "yuan4 bu4 de5", "见不得": "jian4 bu4 de5",
    "总得": "zong3 dei3", "还得": "hai2 dei3", "就得": "jiu4 dei3", "可得": "ke3 dei3", "非得": "fei1 dei3",
    "也得": "ye3 dei3", "都得": "dou1 dei3", "又得": "you4 dei3", "落下": "luo4 xia4", "蒙牛": "meng3 niu2",
    "着实": "zhuo2 shi2", "麻将": "ma2 jiang4", "一场": "yi1 chang3", "这场": "zhe4 chang3", "那场": "na4 chang3",
    "使得": "shi3 de2", "答应": "da1 ying4", "琢磨": "zhuo2 mo2", "一通": "yi1 tong4",
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
    "看想试说听谢等尝走坐问读写聊谈玩逛猜找歇躺瞧帮劝擦翻骗逗"
)  # AA: do it a little; the second is neutral
KIN = frozenset("爸妈哥姐弟妹爷奶叔伯舅姑婶嫂公婆姥娃星猩娘太爹宝狗串")  # AA as well
NEUTRAL_WORDS = """
    商量 知识 队伍 东西 朋友 先生 学生 事情 衣服 漂亮 明白 认识 消息 耳朵 头发 嘴巴 脑袋 部分 舒服 麻烦 聪明 老实
    糊涂 马虎 脾气 运气 福气 秀气 阔气 和气 丈夫 夫人 姑娘 亲戚 闺女 丈人 祖宗 师父 师傅 和尚 道士 秀才 状元 木匠
    石匠 铁匠 掌柜 伙计 奴才 财主 寡妇 老婆 老爷 少爷 丫鬟 月亮 云彩 砖头 甜头 苦头 棉花 粮食 豆腐 点心 葡萄 核桃
    石榴 甘蔗 蘑菇 芝麻 高粱 庄稼 葫芦 牲口 骆驼 狐狸 苍蝇 跳蚤 刺猬 喇叭 琵琶 胡琴 玻璃 窗户 抽屉 扫帚 笤帚 簸箕
    扁担 帐篷 灯笼 风筝 栅栏 篱笆 包袱 口袋 行李 戒指 首饰 铃铛 指甲 胳膊 屁股 脊梁 眉毛 下巴 巴掌 唾沫 咳嗽 喷嚏
    哈欠 膏药 衙门 官司 规矩 主意 心思 笑话 故事 相声 秧歌 名堂 模样 牢骚 累赘 打听 打发 打量 招呼 称呼 应酬 收拾
    拾掇 歇息 耽误 耽搁 欺负 吓唬 埋怨 奉承 巴结 吆喝 嘀咕 唠叨 嘟囔 念叨 比划 张罗 溜达 转悠 忽悠 动弹 翻腾 凑合
    养活 眨巴 活泼 结实 扎实 踏实 厚实 壮实 严实 快活 勤快 爽快 热乎 在乎 近乎 含糊 模糊 迷糊 委屈 冤枉 别扭 窝囊
    邋遢 利落 利索 麻利 机灵 俏皮 宽敞 苗条 稳当 停当 便当 行当 疏忽 稀罕 厚道 恶心 匀称 困难 牌楼 窟窿 棺材 嫁妆
    炮仗 差事 弟兄 街坊 能耐 柴火 活计 进项 冤家 架势 叫唤 姐夫 妹夫 姑父 妯娌 烟筒 妖精 王爷 时辰 补丁 眼睛 位置
    护士
"""  # of two characters, the second neutral in the standard, beyond those that pypinyin has
NEUTRAL = frozenset(NEUTRAL_WORDS.split())
OPTIONAL_WORDS = """
    时候 还是 要是 告诉 干净 热闹 名字 凉快 答应 交情 娘家 婆家 风水 打扮 打算 多少 清楚 厉害 本事 媳妇 妥当 码头
    书记 态度 关系 喜欢 晚上 早上 身上 心里 地上 路上 夜里 街上 皇上 道理 味道 教训 佩服 照应 照顾 应付 对付 讲究
    合同 女婿 力气 客气 口气 痛快 连累 摸索 折磨 尺寸 价钱 特务 太阳 玫瑰 牡丹 富余 在行 岁数 记性 记号 力量 休息
    里边 外边 上边 下边 前边 后边 左边 右边 东边 南边 西边 北边 吩咐 嘱咐 招牌 火候 月饼 烧饼 大方 小气 学问 见识
    提防 已经 父亲 母亲 别人 战士 使得
"""  # the second is said with its full tone and neutral: read in full here, and flagged
OPTIONAL = frozenset(OPTIONAL_WORDS.split())

MUST = frozenset("我你您他她它们咱谁可就总还都也又先必非准真")  # 得 after these and before a verb is dei3, "must"
PARTICLES = frozenset("哦哟呦喽耶嘛啦呗啊呀哇呐噢")  # at the end of what is said, neutral
DIRECTIONS = frozenset("上下进出回过起")  # with 来 or 去 after a verb; the 来 is said in full and neutral
OPEN_STUFF = frozenset("给进满入到住上")  # 塞 before these, or alone, is sai1
WITHER = frozenset("抽晒擦烘吹喝风榨烤晾挤熬弄沥")  # 干 after these is gan1, "dry"
MEASURED_LIGHTLY = frozenset("一两这那哪每整")  # 个 after these, or after a verb, is neutral; after other numerals full
FALLEN = frozenset("了在下地")  # 倒 before these is dao3, "to fall"
WILLING = frozenset("爱半要似")  # 爱信不信 is no question: its 不 keeps its tone
ORDINAL_NOUNS = frozenset("楼审")  # 一楼 is the first floor

CONJUNCTIONS = frozenset(["且", "而且", "并且", "以及", "所以"])  # a pause stands at them: no sandhi across their edges
SURNAMES = frozenset(
    "李马吕许蒋董孔武伍贾史米鲁阮纪党水柳沈古苏王张刘陈杨黄赵吴周徐孙朱胡郭何林高罗郑梁谢宋唐韩冯于邓曹彭曾萧田"
    "潘袁蔡余杜戴夏钟汪任姜范方石姚谭廖邹熊金陆郝崔康毛邱秦江顾侯邵孟龙万段雷钱汤尹易常乔贺赖龚文耿"
)  # a word of three characters that begins with one and is no dictionary word, or a name, is surname and given name

# 儿 colours the syllable before it after these characters; after others (女儿, names) it is a child, and a syllable.
ERHUA = frozenset(
    "这那哪会块点事头今明昨活劲官味个花画鸟意艺猴玩字样话份空法圈眼伴把边底弯影坎板棍信坠船虫歌词曲角尖堆果片顶馅阵摊枣"
    "珠谱溜招杆根罐皮朵盹门沫盖刺瓣瓜核茬碴卷兜准扣道勺缝蛐碗草槛枝叶嗝芽穗辫梗串脸蛋鼻嘴腿肝带面线丝圆球盘盒瓶桌凳票"
    "牌名本页句腔调哨嗓气心主伙孩妞贝妇妹猫狗马鱼月风云人爷哥姐娘们子较真帽套包袋裤袄裙袜鞋糕饼汤粥蒜葱"
    "籽粒壳刷铲锯锤钩环链锁沿肠窝墩桩柱筐篮桶盆壶杯刀枪箭旗烟火光亮灰土泥水汽坑洞沟坡岸渣末块份趟回下"
    "脑勺挑趣谎慌闲得干杂拌盼托模特幌秧苗瓢絮团丸粉羔驹犊崽雀燕鸡鸭兔蝶蝉"
)
NOT_ERHUA = frozenset(
    [
        "鹿儿",
        "台儿",
        "猪儿",
        "马可儿",
        "弄潮儿",
        "混血儿",
        "低能儿",
        "男儿",
        "健儿",
        "老儿",
        "小儿",
        "得儿",
        "干儿",
        "头生儿",
        "大月儿",
        "足月儿",
        "双胞胎儿",
        "猫头鹰儿",
    ]
)
SLOWLY = frozenset("慢好快早远悄轻")  # AA儿 of these is coloured, and its second syllable has tone 1: 慢慢儿
ERHUA_GOES_ON = frozenset("们个俩仨饭饼井爷匠的不站眼")  # a coloured syllable inside a word stands before these
SUNG = frozenset("鸟马鱼月风云人船虫草叶心燕蝶星")  # 鸟儿 is one syllable in talk and two in verse
