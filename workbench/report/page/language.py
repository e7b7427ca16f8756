"""The page's words in Traditional Chinese, with the English: headings, outcomes, verdicts, names of factors.

The page holds both, and a switch that needs no script shows one of them. Claims bring their own translation.
"""

from __future__ import annotations

from markupsafe import Markup

CHINESE = {
    # headings
    "Reports": "報告", "Claims": "論點", "Sweeps": "實驗掃描", "sweep report": "掃描報告", "comparison": "比較",
    "The search": "搜尋", "How it was decided": "如何判定", "What to try next": "下一步可以試什麼",
    "Verdicts": "判定", "Figures": "圖", "What came out": "結果", "Factors": "因子",
    "What each factor did": "各因子的作用",
    "Interactions": "交互作用", "How factors combine": "因子如何共同作用", "Inside the network": "網路內部",
    "Sensitivity": "敏感度", "Runs": "所有訓練", "Provenance": "來源與環境", "The command": "指令",
    "Changes not committed": "尚未提交的修改", "Code, machine and data": "程式、機器與資料",
    "Settings that are not the default": "與預設不同的設定", "The numbers": "數值", "Filter": "篩選",
    "What the verdicts mean": "判定的意義", "Claim": "論點", "Rule": "規則", "Language": "語言",
    "What differs": "差異", "What was compared": "比較的對象",
    "not run yet": "尚未執行",
    # outcomes
    "finished": "完成", "reused": "沿用", "diverged": "發散", "failed": "失敗", "pending": "待執行",
    # verdicts and what they mean
    "reproduced": "重現", "conditional": "有條件成立", "not reproduced": "未重現", "contradicted": "結果相反",
    "inconclusive": "尚無定論", "ruled out": "預測的效應已排除",
    "the effect is there, and larger than the smallest that matters": "效果存在，且大於有意義的最小值",
    "it holds in one setting and not in the other": "在一種設定下成立，在另一種設定下不成立",
    "any effect is smaller than the smallest that matters": "即使有效果，也小於有意義的最小值",
    "the opposite is there": "出現相反的效果",
    "these runs do not decide it": "這些訓練不足以判定",
    # facts beside a verdict
    "Effect": "效果", "95 % interval": "95 % 信賴區間", "Seeds": "種子", "p, Holm’s p": "p 值、Holm 校正後 p 值",
    "Largest error": "最大誤差", "Allowed": "容許", "Worst": "最不利", "Diverged or collapsed": "發散或崩潰",
    "Predicted effect": "預測的效應",
    # factors
    "depth": "深度", "width": "寬度", "activation": "激活函數", "optimizer": "優化器", "penalty": "懲罰項",
    "dropout rate": "丟棄率", "input dropout rate": "輸入丟棄率", "learning rate": "學習率", "init": "初始權重",
    "batch size": "批次大小", "epochs": "訓練輪數", "train size": "訓練樣本數", "label noise": "標籤雜訊",
    "momentum": "動量", "patience": "早停耐心值", "seed": "種子", "loss": "損失函數", "strength": "強度",
}  # fmt: skip


def said(text: str, chinese: str = "") -> Markup:
    """`text` in both languages, each marked with its language; in English alone if there is no translation."""
    other = chinese or CHINESE.get(text, "")
    if not other:
        return Markup.escape(text)
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hant">{}</span>').format(text, other)


def named(name: str) -> Markup:
    """A factor's name as a heading: capitalised, and in both languages if it is translated."""
    return said(name[:1].upper() + name[1:], CHINESE.get(name, ""))
