//! Advice in sentences, in English and in Chinese.

use chrono::NaiveDate;

use super::view::{LaneView, StepView, View};

/// The language of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

impl Language {
    /// Returns what to do, in a sentence.
    pub(crate) fn headline(self, view: &View) -> String {
        let View { quantity, item, to, .. } = view;
        let (Some(from), Some(lane), Some(ship_on), Some(arrives_on)) =
            (&view.from, &view.lane, view.latest_ship_on, view.arrives_on)
        else {
            return match self {
                Self::En => format!("find {quantity} {item} for {to}"),
                Self::Zh => format!("为 {to} 寻找 {quantity} 件 {item}"),
            };
        };
        let next = view.next_arrival_on.map(|day| day.to_string());
        let verb = match (self, &*view.action) {
            (Self::En, "purchase") => "buy",
            (Self::En, _) => "ship",
            (Self::Zh, "purchase") => "采购",
            (Self::Zh, _) => "调拨",
        };
        match self {
            Self::En => format!(
                "{verb} {quantity} {item} from {from} to {to} by {ship_on} ({lane}, arrives \
                 {arrives_on}); after that the next arrival is {}",
                next.as_deref().unwrap_or("not known")
            ),
            Self::Zh => format!(
                "最迟 {ship_on} 从 {from} 向 {to} {verb} {quantity} 件 {item}（{lane}，{arrives_on} \
                 到达）；错过后下一次到达为 {}",
                next.as_deref().unwrap_or("未知")
            ),
        }
    }

    /// Returns what comes of it either way.
    pub(crate) fn outcomes(self, view: &View) -> String {
        let [sent, missed] = [&view.if_shipped, &view.if_missed].map(|outcome| {
            let cost = outcome.cost.as_ref().zip(view.currency);
            let cost = cost.map(|(cost, currency)| format!(", {cost} {currency}"));
            let (short, idle) = (&outcome.short, &outcome.idle);
            let cost = cost.unwrap_or_default();
            match self {
                Self::En => format!("{short} missing and {idle} idle{cost}"),
                Self::Zh => format!("缺 {short} 件、闲置 {idle} 件{cost}"),
            }
        });
        let until = view.outcomes_until;
        match self {
            Self::En => format!("  - on average until {until}: if sent {sent}; if not {missed}"),
            Self::Zh => format!("  - 到 {until} 的平均结果：发货 {sent}；不发 {missed}"),
        }
    }

    /// Returns how much is right at which ratio of costs.
    pub(crate) fn steps(self, steps: &[StepView]) -> String {
        let parts = steps.iter().map(|step| match (self, step.below) {
            (Self::En, Some(below)) => format!("{} below {below:.3}", step.quantity),
            (Self::En, None) => format!("else {}", step.quantity),
            (Self::Zh, Some(below)) => format!("低于 {below:.3} 发 {}", step.quantity),
            (Self::Zh, None) => format!("否则发 {}", step.quantity),
        });
        let parts = parts.collect::<Vec<_>>().join(", ");
        match self {
            Self::En => format!("by what a missing unit costs, in idle ones: {parts}"),
            Self::Zh => format!("按缺货成本与闲置成本之比：{parts}"),
        }
    }

    /// Returns the same where deals win or lose together.
    pub(crate) fn together(self, steps: &[StepView]) -> String {
        let steps = self.steps(steps);
        match self {
            Self::En => format!("  - if the deals are won or lost together, {steps}"),
            Self::Zh => format!("  - 若商机同赢同输，{steps}"),
        }
    }

    /// Returns the dates of a lane.
    pub(crate) fn lane(self, lane: &LaneView) -> String {
        let LaneView { lane: name, from, latest_ship_on, arrives_on, .. } = lane;
        let next = lane.next_arrival_on.map(|day| day.to_string());
        match self {
            Self::En => format!(
                "  - {name} from {from}: by {latest_ship_on}, arrives {arrives_on}, next {}",
                next.as_deref().unwrap_or("not known")
            ),
            Self::Zh => format!(
                "  - {name}（从 {from}）：最迟 {latest_ship_on}，{arrives_on} 到达，下一次 {}",
                next.as_deref().unwrap_or("未知")
            ),
        }
    }

    /// Returns how old the data is.
    pub(crate) fn ages(self, view: &View) -> String {
        let day = |day: Option<NaiveDate>| day.map_or("-".to_owned(), |day| day.to_string());
        let stock = day(view.data.stock_counted_on);
        let demand = day(view.data.demand_until);
        let calendars = view
            .data
            .calendars
            .iter()
            .map(|calendar| format!("{} {}", calendar.calendar, day(calendar.announced_until)));
        let calendars = calendars.collect::<Vec<_>>().join(", ");
        match self {
            Self::En => format!(
                "  - data: stock of {stock}, demand up to {demand}, holidays known up to: {calendars}"
            ),
            Self::Zh => {
                format!("  - 数据：库存 {stock}，需求截至 {demand}，节假日已公布至：{calendars}")
            }
        }
    }
}
