//! Reasons in words, in English and in Chinese.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use upturn_core::calendar::shipping::Closure;
use upturn_core::stock::plan::advice::{Note, ScaledDays, SlowedDays};
use upturn_core::stock::plan::network::Reached;

use super::kept::Kept;

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct Sentence {
    /// A stable word for it.
    pub(crate) code: String,
    /// English.
    pub(crate) en: String,
    /// Chinese.
    pub(crate) zh: String,
}

/// Returns `note` of `advice` in words.
pub(super) fn sentence(advice: &Kept<'_>, note: &Note) -> Sentence {
    Sentence { code: note.code().to_owned(), en: english(advice, note), zh: chinese(advice, note) }
}

fn english(advice: &Kept<'_>, note: &Note) -> String {
    let Kept { available, needed_on, cover_until, .. } = advice;
    match note {
        Note::RunsOut => format!(
            "{available} available (on hand + on order - reserved); from {needed_on} on they may \
             not be enough"
        ),
        Note::Level { network, units, reached } => {
            level_in_english(network, (*units, *available), *reached)
        }
        Note::NoLevels { network, why } => no_levels_in_english(network, why),
        Note::Taken { given, owed } => taken_in_english(*given, *owed),
        Note::Earlier { units } => {
            format!("counted as there are {units} that are to be sent before")
        }
        Note::Deals { now, later } => format!(
            "open deals that may need units before {cover_until}: {now}; only later, adding \
             nothing: {later}"
        ),
        Note::Base { per_30_days, periods } => format!(
            "other demand: {per_30_days} in 30 days, learnt from periods in the history: {periods}"
        ),
        Note::Failures { devices, per_30_days, known } => format!(
            "failures of installed devices ({devices}): {per_30_days} parts in 30 days are expected; \
             known failures that may need one before {cover_until}: {known}"
        ),
        Note::Coming { units, first_on } => format!(
            "{units} being made are there before {cover_until}, the first from {first_on} on; they help \
             no day before"
        ),
        Note::Closed(Closure { first_on, last_on, name }) => {
            format!("nothing is received from {first_on} to {last_on} ({name})")
        }
        Note::Slowed(slowed) => slowed_in_english(slowed),
        Note::Scaled(scaled) => scaled_in_english(scaled, cover_until.0),
        Note::Surplus => "the place it comes from has more than it needs itself".into(),
        Note::Replaced => {
            "items that replace each other count as one; the older ones are used up first".into()
        }
        Note::Pack { needed, pack } => {
            format!("needed are {needed}; rounded up to packs of {pack}")
        }
        Note::Minimum { needed, order_min } => {
            format!("needed are {needed}; the supplier takes no order below {order_min}")
        }
        Note::Late => "no voyage arrives before units may be missing; this is the first one".into(),
        Note::NotAnnounced => "a calendar does not know its holidays yet; its weekly pattern \
                               stands in, so the days are a guess"
            .into(),
        Note::NoNextArrival => "nobody knows when this lane runs again".into(),
        Note::Sailings { until } => sailings_in_english(*until),
        Note::BeyondSchedule { until } => beyond_in_english(*until),
        Note::NoLane => "no lane leads to this place; add one".into(),
        Note::NoDeparture => "no lane to this place departs in the days that are planned".into(),
        Note::Cycle(cycle) => cycle_in_english(cycle),
        Note::Shortfall { units } => format!("nobody has {units} more that are needed; find them"),
        Note::Gaps => "the demand history has gaps; days nobody observed count neither way".into(),
        Note::Thin => "the demand history has fewer than three periods".into(),
        Note::TooLarge(reason) => format!("not reckoned: {reason}"),
    }
}

fn sailings_in_english(until: NaiveDate) -> String {
    format!(
        "the days are those of sailings in a carrier's schedule, which tells departures up to {until}"
    )
}

fn beyond_in_english(until: Option<NaiveDate>) -> String {
    match until {
        Some(until) => format!(
            "the carrier's schedule tells departures up to {until}; beyond, the lane's own days of \
             departure and transit stand in, so the days are a guess"
        ),
        None => {
            "no carrier's schedule tells a sailing to come; the lane's own days of departure and \
                 transit stand in"
                .to_owned()
        }
    }
}

fn slowed_in_english(slowed: &SlowedDays) -> String {
    let SlowedDays { adjuster, first_on, last_on, days, own } = slowed;
    format!(
        "departures from {first_on} to {last_on} are planned with days of transit: {days}, not {own}, because \
         of {adjuster}, which was found to help"
    )
}

fn scaled_in_english(scaled: &ScaledDays, until: NaiveDate) -> String {
    let ScaledDays { adjuster, days, factor } = scaled;
    format!(
        "other demand counts {factor}-fold on days before {until} ({days}), because of {adjuster}, which was \
         found to help"
    )
}

fn cycle_in_english(cycle: &str) -> String {
    format!(
        "a cycle of lanes: {cycle}; nobody outside it sends anything, so only what is there already can \
         be moved; add a lane from a supplier"
    )
}

fn level_in_english(network: &str, (units, available): (u32, i64), reached: Reached) -> String {
    let reached = reached_in_english(reached);
    format!(
        "the network {network} keeps {units} here, on hand and on order, and there are {available}; {reached}"
    )
}

fn no_levels_in_english(network: &str, why: &str) -> String {
    format!("the network {network} has no levels of this item, and nothing is kept for it: {why}")
}

fn taken_in_english(given: u32, owed: u32) -> String {
    format!(
        "this plan sends {given} from here on to places of the network, which do not count as available, \
         and {owed} more that they need are ordered beside the level"
    )
}

fn taken_in_chinese(given: u32, owed: u32) -> String {
    format!(
        "本计划从此处向网络中的其他地点发出 {given} 件，不计入可用量；它们还缺 {owed} 件，在目标水平之外一并订购"
    )
}

fn reached_in_chinese(reached: Reached) -> String {
    match reached {
        Reached::Missing(missing) => format!("按全部水平，各站点平均缺 {missing} 件"),
        Reached::Promise(days) => format!("按全部水平，中心库 {days} 天内备好一件"),
    }
}

fn reached_in_english(reached: Reached) -> String {
    match reached {
        Reached::Missing(missing) => {
            format!("with all its levels {missing} are missing at its bases on average")
        }
        Reached::Promise(days) => {
            format!("with all its levels the depot has one ready within days: {days}")
        }
    }
}

fn chinese(advice: &Kept<'_>, note: &Note) -> String {
    let Kept { available, needed_on, cover_until, .. } = advice;
    match note {
        Note::RunsOut => {
            format!("可用 {available} 件（在库 + 在途 - 预留）；自 {needed_on} 起可能不够")
        }
        Note::Level { network, units, reached } => format!(
            "网络 {network} 在此保持 {units} 件（在库 + 在途），现有 {available} 件；{}",
            reached_in_chinese(*reached)
        ),
        Note::NoLevels { network, why } => {
            format!("网络 {network} 无法计算该物料的保有量，不为其保有：{why}")
        }
        Note::Taken { given, owed } => taken_in_chinese(*given, *owed),
        Note::Earlier { units } => format!("已把此前建议发送的 {units} 件计为可用"),
        Note::Deals { now, later } => format!(
            "{cover_until} 之前可能需要货的未决商机：{now} 个；之后才需要、不计入的：{later} 个"
        ),
        Note::Base { per_30_days, periods } => {
            format!("其他需求：每 30 天 {per_30_days} 件，由 {periods} 个历史期间得出")
        }
        Note::Failures { devices, per_30_days, known } => format!(
            "在用设备故障（{devices} 台）：预计每 30 天需要 {per_30_days} 件；{cover_until} \
             之前可能需要备件的已知故障：{known} 起"
        ),
        Note::Coming { units, first_on } => format!(
            "生产中的 {units} 件在 {cover_until} 之前可用，最早自 {first_on} 起；此前的日子用不上"
        ),
        Note::Closed(Closure { first_on, last_on, name }) => {
            format!("{first_on} 至 {last_on} 不收货（{name}）")
        }
        Note::Slowed(slowed) => slowed_in_chinese(slowed),
        Note::Scaled(scaled) => scaled_in_chinese(scaled, cover_until.0),
        Note::Surplus => "调出地点的库存多于自身所需".into(),
        Note::Replaced => "相互替代的物料合并计算；先用完旧物料".into(),
        Note::Pack { needed, pack } => format!("需要 {needed} 件；按每包 {pack} 件向上取整"),
        Note::Minimum { needed, order_min } => {
            format!("需要 {needed} 件；供应商最小起订量为 {order_min} 件")
        }
        Note::Late => "没有班次能在可能缺货之前到达；这是最早的一班".into(),
        Note::NotAnnounced => "日历的节假日尚未公布；暂按每周规律推算，日期仅供参考".into(),
        Note::NoNextArrival => "该线路何时恢复尚不清楚".into(),
        Note::Sailings { until } => {
            format!("日期取自承运人的船期表，船期表列出的发运日截至 {until}")
        }
        Note::BeyondSchedule { until: Some(until) } => format!(
            "承运人船期表列出的发运日截至 {until}；此后暂按线路自身的发运日和运输天数推算，日期仅供参考"
        ),
        Note::BeyondSchedule { until: None } => {
            "船期表中没有将来的班次；暂按线路自身的发运日和运输天数推算".into()
        }
        Note::NoLane => "没有线路通往此地点；请添加".into(),
        Note::NoDeparture => "在计划的日期内没有线路发往此地点".into(),
        Note::Cycle(cycle) => {
            format!("线路成环：{cycle}；环外无人供货，只能调剂已有库存；请添加来自供应商的线路")
        }
        Note::Shortfall { units } => format!("还缺 {units} 件没有来源；请设法寻找"),
        Note::Gaps => "需求历史有缺口；未观测的日子不计入".into(),
        Note::Thin => "需求历史不足三个期间".into(),
        Note::TooLarge(reason) => format!("无法计算：{reason}"),
    }
}

fn slowed_in_chinese(slowed: &SlowedDays) -> String {
    let SlowedDays { adjuster, first_on, last_on, days, own } = slowed;
    format!(
        "{first_on} 至 {last_on} 发出的货按 {days} 天（而非 {own} 天）运输计划，原因是 {adjuster}，经检验有效"
    )
}

fn scaled_in_chinese(scaled: &ScaledDays, until: NaiveDate) -> String {
    let ScaledDays { adjuster, days, factor } = scaled;
    format!("{until} 之前有 {days} 天其他需求按 {factor} 倍计，原因是 {adjuster}，经检验有效")
}
