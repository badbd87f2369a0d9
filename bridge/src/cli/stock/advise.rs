//! `upturn stock advise`: what to send where, from the tables of a folder.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;
use upturn_core::stock::plan::{self, Period};

use super::load::{self, Firmed, LoadError, Loaded};
use super::view::{LaneView, StepView, View};
use crate::cli::backtest::time;
use crate::cli::output::{self, printed};
use crate::clock::Clock;
use crate::exit::Exit;

/// Reads items, places, stock, lanes, calendars, deals and demand from a folder and advises.
///
/// The tables are described in deploy/stock. Rows that are wrong are named and left out; then the
/// command ends with code 1. Firmed rows are counted and never moved.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the tables
    #[arg(long, value_name = "DIR")]
    input: PathBuf,
    /// The moment to plan for: 2025-01-20 (its beginning in UTC), or 2025-01-20T08:00:00+08:00; now,
    /// if not given
    #[arg(long, value_name = "DATE", value_parser = time)]
    as_of: Option<DateTime<Utc>>,
    /// How many days to look ahead
    #[arg(long, value_name = "DAYS", default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(plan::AHEAD_DAYS_MAX)))]
    ahead: u16,
    /// The language of the reasons
    #[arg(long, value_enum, default_value_t = Language::En)]
    language: Language,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

/// Everything that is said at once.
#[derive(Debug, Serialize)]
struct Document<'l> {
    as_of: DateTime<Utc>,
    ahead_days: u16,
    advice: Vec<View<'l>>,
    firmed: &'l [Firmed],
    problems: Vec<ProblemView<'l>>,
    problems_not_listed: usize,
}

#[derive(Debug, Serialize)]
struct ProblemView<'l> {
    file: String,
    line: Option<u64>,
    problem: &'l str,
}

pub(super) fn run(args: &Args, clock: &dyn Clock) -> Exit {
    if !args.input.is_dir() {
        output::note(format_args!("upturn: there is no folder '{}'", args.input.display()));
        return Exit::NoInput;
    }
    let as_of = args.as_of.unwrap_or_else(|| clock.now());
    let period = Period { as_of, ahead_days: args.ahead };
    let loaded = match load::load(&args.input, period.first_on()) {
        Ok(loaded) => loaded,
        Err(error @ LoadError::Missing(_)) => return output::failed(&error, Exit::NoInput),
        Err(error @ LoadError::Tables(_)) => return output::failed(&error, Exit::DataErr),
    };
    let advice = plan::advise(&loaded.setting, period);
    let views: Vec<_> = advice.iter().map(|advice| View::of(&loaded, period, advice)).collect();
    let told = if args.json {
        document(&loaded, period, views)
    } else {
        text(&loaded, args.language, &views)
    };
    let exit = if loaded.problems.is_empty() { Exit::Ok } else { Exit::Findings };
    printed(told.map(|()| exit))
}

fn document(loaded: &Loaded, period: Period, advice: Vec<View<'_>>) -> io::Result<()> {
    let problems = loaded.problems.listed().iter().map(|problem| ProblemView {
        file: problem.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        line: problem.line,
        problem: &problem.message,
    });
    let document = Document {
        as_of: period.as_of,
        ahead_days: period.ahead_days,
        advice,
        firmed: &loaded.firmed,
        problems: problems.collect(),
        problems_not_listed: loaded.problems.unlisted(),
    };
    output::say_json(serde_json::to_string_pretty(&document)?)
}

fn text(loaded: &Loaded, language: Language, advice: &[View<'_>]) -> io::Result<()> {
    if !loaded.problems.is_empty() {
        output::note(&loaded.problems);
    }
    let mut lines = Vec::new();
    for firmed in &loaded.firmed {
        lines.push(language.firmed(firmed));
    }
    for view in advice {
        lines.push(language.headline(view));
        let reasons = view.reasons.iter().map(|reason| match language {
            Language::En => format!("  - {}", reason.en),
            Language::Zh => format!("  - {}", reason.zh),
        });
        lines.extend(reasons);
        lines.push(language.outcomes(view));
        lines.push(format!("  - {}", language.steps(&view.break_even)));
        if let Some(steps) = &view.break_even_together {
            lines.push(language.together(steps));
        }
        lines.extend(view.lanes.iter().map(|lane| language.lane(lane)));
        lines.push(language.ages(view));
    }
    if advice.is_empty() {
        lines.push(language.nothing().to_owned());
    }
    output::say(lines.join("\n"))
}

impl Language {
    fn nothing(self) -> &'static str {
        match self {
            Self::En => "nothing has to be sent",
            Self::Zh => "无需发货",
        }
    }

    fn firmed(self, firmed: &Firmed) -> String {
        let Firmed { item, from, to, quantity, ship_on } = firmed;
        match self {
            Self::En => format!("firmed: {quantity} {item} from {from} to {to} on {ship_on}"),
            Self::Zh => format!("已确认：{ship_on} 从 {from} 发 {quantity} 件 {item} 到 {to}"),
        }
    }

    fn headline(self, view: &View<'_>) -> String {
        let View { quantity, item, to, .. } = view;
        let (Some(from), Some(lane), Some(ship_on), Some(arrives_on)) =
            (view.from, view.lane, view.latest_ship_on, view.arrives_on)
        else {
            return match self {
                Self::En => format!("find {quantity} {item} for {to}"),
                Self::Zh => format!("为 {to} 寻找 {quantity} 件 {item}"),
            };
        };
        let next = view.next_arrival_on.map(|day| day.to_string());
        let verb = match (self, view.action) {
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

    fn outcomes(self, view: &View<'_>) -> String {
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

    fn steps(self, steps: &[StepView]) -> String {
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

    fn together(self, steps: &[StepView]) -> String {
        let steps = self.steps(steps);
        match self {
            Self::En => format!("  - if the deals are won or lost together, {steps}"),
            Self::Zh => format!("  - 若商机同赢同输，{steps}"),
        }
    }

    fn lane(self, lane: &LaneView<'_>) -> String {
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

    fn ages(self, view: &View<'_>) -> String {
        let day =
            |day: Option<chrono::NaiveDate>| day.map_or("-".to_owned(), |day| day.to_string());
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
