"""What customers and agents say. Some hold what must never be stored as it is; thanks ask for nothing."""

from __future__ import annotations

from yingda.sim.chance import SeededChance

QUESTIONS = {
    "zh-CN": (
        "我的转账一直没有到账，订单号 {n}",
        "付款显示失败，但是钱扣了",
        "提现两天了还没到",
        "为什么我的卡绑定不上？",
        "双十一红包没有到账 {n}",
        "USDT 转错网络了怎么办",
        "商家说没收到，我这里显示成功",
        "收到验证码但不是我操作的！！",
        "账户被锁了，里面还有 {n} 元",
        "我点了一个链接，让我填助记词",
        "😭 急急急 在线等",
    ),
    "en": (
        "My transfer {n} has not arrived",
        "I was charged twice for the same order",
        "How long does a withdrawal take?",
        "The app says failed but the money is gone",
        "I sent USDT on the wrong network",
        "My card was declined, why?",
        "Somebody logged in to my account",
        "Where is my refund of {n}?",
        "Is anybody there??",
        "The shop says it was not paid",
        "Still pending after six hours",
    ),
}
SECRETS = {"zh-CN": "我的卡号是 4111 1111 1111 1111，帮我查一下", "en": "my card is 4111 1111 1111 1111, please check"}
THANKS = {"zh-CN": "好的，谢谢！", "en": "Great, thank you!"}
ANSWERS = {
    "zh-CN": ("您好，款项已在途中，预计两小时内到账。", "已为您核实，银行侧处理中，请放心。", "退款已发起，一至三个工作日到账。"),
    "en": ("Hello, the money is on its way and should arrive within two hours.", "I checked: your bank is processing it.",
           "The refund has been started and takes one to three working days."),
}  # fmt: skip
SECRET_SHARE = 0.01


def question(chance: SeededChance, language: str) -> str:
    if chance.happens(SECRET_SHARE):
        return SECRETS[language]
    return chance.one_of(QUESTIONS[language]).format(n=chance.whole(1000, 9999))


def answer(chance: SeededChance, language: str) -> str:
    return chance.one_of(ANSWERS[language])
