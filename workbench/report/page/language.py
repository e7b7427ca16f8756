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
    "Sensitivity": "敏感度", "Analyses": "分析", "Runs": "所有訓練", "Provenance": "來源與環境",
    "The command": "指令",
    "For a paper: how it was done": "論文用：實驗方法",
    "Changes not committed": "尚未提交的修改", "Code, machine and data": "程式、機器與資料",
    "Settings that are not the default": "與預設不同的設定", "The numbers": "數值", "Filter": "篩選",
    "What the verdicts mean": "判定的意義", "Claim": "論點", "Rule": "規則", "Language": "語言",
    "What differs": "差異", "What was compared": "比較的對象",
    "Claims that were asked on several datasets": "在多個資料集上檢驗的論點",
    "Contents": "目錄", "epoch": "訓練輪",
    "not run yet": "尚未執行", "In training": "訓練中",
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
    # tables: captions and heads
    "What was swept": "掃描了什麼", "Why runs failed or diverged": "失敗或發散的原因", "Factor": "因子",
    "Key": "設定名稱",
    "Values": "數值", "Value": "數值", "Outcome": "結局", "Reason": "原因", "Cells": "編號", "Metric": "指標",
    "Level": "水準",
    "Mean": "平均", "95 % from": "95 % 信賴區間自", "to": "至", "Seed": "種子", "Difference": "差異",
    "Lost": "失去的訓練",
    "Epoch": "訓練輪", "Layer": "層", "Network": "網路", "Output shape": "輸出形狀", "Parameters": "參數數目",
    "Best": "最佳", "Median": "中位數", "Worst level": "最差水準", "Best level": "最佳水準", "Part": "資料部分",
    "Setting": "設定", "Default": "預設", "Settings": "設定", "Trial": "試驗", "Class": "類別", "Image": "影像",
    "Row": "列",
    "Example": "樣本", "Wanted": "應有值", "Predicted": "預測值", "Number": "項目", "Of": "對象", "At": "位置",
    "Means by epoch": "各訓練輪的平均", "Paired differences": "配對差異",
    "The effect of every factor": "各因子的效果",
    "Layers of the networks": "網路各層",
    "Settings of all runs that are not the default": "所有訓練中與預設不同的設定",
    "Test examples by class and named class": "測試樣本：實際類別與判定類別", "Pixels of the images": "影像的像素",
    "Some of the predictions, by what was wanted": "部分預測值，依應有值排列",
    "Trials from the best to the worst": "由最佳到最差的試驗", "The best trials": "最佳的試驗",
    # titles of drawings
    "Test accuracy": "測試準確率", "Training accuracy": "訓練準確率", "Validation accuracy": "驗證準確率",
    "Test loss": "測試損失", "Training loss": "訓練損失", "Validation loss": "驗證損失",
    "Training accuracy, last epoch": "訓練準確率（最後一輪）", "Training loss, last epoch": "訓練損失（最後一輪）",
    "Loss by epoch": "各輪的損失", "Accuracy by epoch": "各輪的準確率", "At the end of the runs": "訓練結束時",
    "all runs": "所有訓練", "The network": "網路", "The networks": "網路",
    "Which classes it confuses": "混淆了哪些類別",
    "What it gets wrong most surely": "最有把握卻答錯的樣本", "Predicted against wanted": "預測值與應有值",
    "part of the data": "資料部分",
    # notes
    "The page renews itself. Claims are decided when the sweep has ended.": "本頁會自動更新。論點在掃描結束後才判定。",
    "Diagnosed from the curves and probes of each setting, by rules that were measured on networks with planted "
    "faults. A lead, and no verdict: the claim behind a proposal says on what it depends.":
        "由各設定的學習曲線與探測值診斷，規則以刻意埋入問題的網路量測過。這是線索而非判定：建議背後的論點說明它取決於什麼。",
    "Made by Workbench from what the store holds. Nothing was trained for this page, and it loads nothing from "
    "elsewhere.":
        "由 Workbench 依儲存庫的內容製作。製作本頁時沒有訓練任何網路，也不從別處載入任何東西。",
    "Choose a row, or an entry of a legend, to see its curves alone in every figure; once more for all.":
        "點選一列或圖例中的一項，各圖就只突顯它的曲線；再點一次則顯示全部。",
    "All settings that were not swept have their defaults.": "未掃描的設定都是預設值。",
    "No page yet. A sweep writes its own when it ends.": "還沒有任何報告。掃描結束時會寫出自己的報告。",
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
