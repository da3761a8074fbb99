"""Whether money is at risk now. Rather once too often than once too little: a person looks at what this finds.

Two witnesses: words that say it outright, in both languages, unless they are denied ("I was not hacked") or asked about in
general; and the model's belief in the topics whose articles are first aid.
"""

from __future__ import annotations

import re

from yingda.answers.text import fold

BELIEF = 0.4
BELIEF_WITH_ALARM = 0.15
BELIEF_OUTRIGHT = 0.05
"""The belief in first-aid topics, 0 to 1, from which on a message is urgent: by itself; written in alarm; saying it outright."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


OUTRIGHT = _any(
    r"\b(?:hack(?:ed|er|ers|ing)?|hijack\w*|compromised|takeover|taken over|fraudulent|unauthori[sz]ed)\b",
    r"\b(?:got|was|were|been|being|is) (?:just )?(?:scammed|robbed|phished|tricked|defrauded|stolen|mugged|pickpocketed)\b",
    r"\b(?:they|he|she|thief|thieves|somebody|someone|scammers?) (?:just )?(?:stole|took|robbed|cheated|tricked|scammed)\b",
    r"\b(?:someone|somebody|a stranger|thief|hacker|he|she|they)(?: else)? "
    r"(?:is|has|was|got|logged|signed|used|changed|removed)\b.{0,25}"
    r"\b(?:in|into|inside|using|sending|spending|paying|moving|card|account|wallet|password|email)\b",
    r"\b(?:emptied|drained|draining|swept|wiped out|cleaned out|run off with|ran off with)\b",
    r"\b(?:didn't|did not|never) (?:make|made|authori[sz]e|approve|buy|order|sign|do|recogni[sz]e) "
    r"(?:this|that|it|these|those|any|the)\b",
    r"\b(?:wasn't me|not me|not mine|isn't mine|don't recogni[sz]e|know nothing about)\b",
    r"\bmoney (?:is |keeps )?(?:leaving|going out|disappearing)\b",
    r"\b(?:gave|given|told|sent|shared|typed|entered|read)\b.{0,30}\b(?:codes?|otp|password|pin|seed|phrase|private key|words)\b",
    r"\b(?:freeze|block|lock|stop) (?:my |the )?(?:account|wallet|card|everything|it)\b",
    r"\b(?:lost|dropped|misplaced|left|can't find|cannot find) my (?:\w+ )?(?:card|phone|mobile|wallet|purse)\b",
    r"\b(?:card|phone|mobile|purse|bag|wallet) (?:was |got |is |has been )?(?:stolen|lost|missing|snatched|gone|taken)\b",
)
OUTRIGHT_CHINESE = _any(
    r"被盗|盗号|盗刷|盗用|盗走|盗了|偷走|偷刷|被偷|被抢|被黑|黑客|入侵|被骗|骗走|骗了我|骗子|上当|受骗|跑路|小偷",
    r"被(?:人)?(?:转走|转出|转空|扫走|摸走|控制|刷)|转走了|转空|全没了|都没了|不是(?:我|本人)(?:操作|转|付|刷|买|弄|登|的)",
    r"我没(?:有)?(?:操作|付|刷|买|登录|转)过|没授权|未授权|不认识的.{0,6}(?:消费|扣款|付款|交易|设备|登录)",
    r"(?:给了|告诉|发给|填|输|念|泄露|泄漏).{0,12}(?:验证码|密码|助记词|私钥|口令|单词)",
    r"(?:验证码|密码|助记词|私钥|口令|单词).{0,8}(?:给了|告诉|发给|填|输进|念|泄露|泄漏)",
    r"(?:手机|卡|钱包|包).{0,6}(?:丢|掉在|掉了|不见|遗失|找不到|找不着)|丢了.{0,3}(?:手机|卡)|冻结(?:我|账户|账号|一下|掉)|挂失",
    r"(?:帮我|赶紧|马上|立刻|快)(?:冻结|停卡|锁)|陌生(?:人|设备)|异地登录|有人(?:在|正在|用|登|动|操作|转|刷)",
)
DENIED = _any(
    r"\b(?:not|never|no one|nobody|isn't|wasn't|haven't|hasn't|without being|didn't get)\b (?:\w+ ){0,2}?"
    r"(?:hacked|scammed|stolen|lost|robbed|compromised|hijacked|phished|stole\b)",
    r"\bnot (?:about )?(?:fraud|a scam|urgent|an emergency)\b",
    r"(?:没有?|不是|并没|并未|未)(?:人)?(?:被|遭)(?:人)?(?:盗|骗|偷|黑|抢)(?:号|刷|走)?|(?:卡|手机|钱包)?没(?:有)?丢|不是丢|不急",
)
ASKED_IN_GENERAL = _any(
    r"\b(?:how (?:do|can|would|could|should) (?:i|you|people|we|one)|how to|ways to|want to) (?:\w+ )?"
    r"(?:recogni[sz]e|spot|tell|know|notice|avoid|prevent|protect|secure)\b",
    r"\bwhat (?:happens |should i do |do i do )?if\b|\bin case\b",
    r"\bif (?:i|my|someone) (?:\w+ )?(?:ever|should|loses?|gets?|were)\b",
    r"\bwhat is (?:a |an )?(?:phishing|scam|fraud)|\bis it safe\b",
    r"如果|假如|万一|(?:怎么|如何|怎样)(?:才能)?(?:识别|辨别|分辨|防|避免|判断|看出|知道|保护)|什么是|会不会被",
)
ALARM = _any(
    r"\b(?:help|urgent\w*|emergency|asap|right now|immediately|quick(?:ly)?|hurry|please stop|just now|now)\b|!!",
    r"救命|急|马上|赶紧|立刻|快(?:点|帮|停|锁)|求助|正在|刚刚?",
)


def is_urgent(text: str, belief: float) -> bool:
    """`belief`: the probability, 0 to 1, that the message belongs to a topic whose article is first aid."""
    text = fold(text)
    is_alarmed = bool(ALARM.search(text))
    if ASKED_IN_GENERAL.search(text) and not is_alarmed:
        return False
    left, denials = DENIED.subn(" ", text)
    outright = bool(OUTRIGHT.search(left) or OUTRIGHT_CHINESE.search(left))
    if outright and (belief >= BELIEF_OUTRIGHT or is_alarmed):
        return True
    return not denials and belief >= (BELIEF_WITH_ALARM if is_alarmed else BELIEF)
