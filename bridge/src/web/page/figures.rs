//! Figures: how tasks were worked on, each with its number of cases and what it means.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use fluent_bundle::FluentValue;
use upturn_core::figures::{Figures, Share, Spread};

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::store::overrule::What;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::figures::{self, By, NO_GROUP, Params};
use crate::web::i18n::{find_text, key, text, text_with};
use crate::web::language::Language;
use crate::web::overrule::{self, Rate};
use crate::web::visible::Visible;

/// Each figure: its name for programs, the key of its name, and that of its meaning.
pub(crate) const DEFINITIONS: [(&str, &str, &str); 9] = [
    ("response", key!("figure-response"), key!("figure-response-is")),
    ("response_working", key!("figure-working"), key!("figure-working-is")),
    ("followed_up", key!("figure-followed"), key!("figure-followed-is")),
    ("on_time", key!("figure-on-time"), key!("figure-on-time-is")),
    ("wasted", key!("figure-wasted"), key!("figure-wasted-is")),
    ("told_later", key!("figure-later"), key!("figure-later-is")),
    ("outcomes", key!("figure-outcomes"), key!("figure-outcomes-is")),
    ("converted", key!("figure-converted"), key!("figure-converted-is")),
    ("orders", key!("figure-orders"), key!("figure-orders-is")),
];

/// Groups that the chart shows.
const BARS_MAX: usize = 12;
/// How wide a whole bar is, in the chart's units.
const BAR_WIDTH: u64 = 400;
/// How high a bar is with the room below it, in the chart's units.
const BAR_STEP: usize = 28;

/// The page.
#[derive(Debug, Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    shell: Shell,
    params: Params,
    choices: Vec<Choice>,
    window: u64,
    period: String,
    is_cut: bool,
    /// Everything together first, then each group.
    rows: Vec<Line>,
    bars: Vec<Bar>,
    chart_height: usize,
    definitions: Vec<Definition>,
    /// How often the machine and people were right.
    verdicts: Vec<VerdictLine>,
}

/// How often the machine and people were right, of one thing that they decide.
#[derive(Debug)]
struct VerdictLine {
    name: String,
    machine: String,
    human: String,
}

/// Something to compare by.
#[derive(Debug)]
struct Choice {
    word: &'static str,
    label: String,
    is_chosen: bool,
}

/// The figures of a group, in words.
#[derive(Debug)]
struct Line {
    name: String,
    is_whole: bool,
    tasks: u64,
    response: String,
    response_working: String,
    followed: String,
    on_time: String,
    told_later: u64,
    wasted: String,
    converted: String,
    orders: String,
    outcomes: Vec<String>,
}

/// A bar of the chart: what part of a group's tasks was followed up.
#[derive(Debug)]
struct Bar {
    name: String,
    words: String,
    width: u64,
    y: usize,
    text_y: usize,
}

/// What a figure means.
#[derive(Debug)]
struct Definition {
    name: String,
    meaning: String,
}

/// Shows the figures of what the reader sees.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let sight = shell.sight(&app, Action::ReadTasks).await?;
    let teller = shell.teller(&app);
    let question = params.question(&teller)?;
    let counted = figures::answer(&app, &sight, &question, &teller).await?;
    let language = shell.language;
    let choice = |by: By| Choice {
        word: by.word(),
        label: by_words(language, by),
        is_chosen: by == question.by,
    };
    let groups =
        counted.groups.iter().map(|(name, figures)| (named(language, question.by, name), figures));
    let bars = groups.clone().take(BARS_MAX).enumerate();
    let bars: Vec<_> =
        bars.map(|(place, (name, figures))| bar(language, place, name, figures)).collect();
    let whole = (text(language, key!("figures-whole")), &counted.whole);
    let mut rows = vec![Line { is_whole: true, ..line(language, whole) }];
    rows.extend(groups.map(|group| line(language, group)));
    let definitions = DEFINITIONS.map(|(_, name, meaning)| Definition {
        name: text(language, name),
        meaning: text(language, meaning),
    });
    let rates = overrule::rates(&app, &sight).await?;
    render(&FiguresPage {
        verdicts: rates.iter().filter_map(|(what, rate)| verdict(language, *what, rate)).collect(),
        choices: By::ALL.map(choice).into(),
        window: question.window,
        period: format!("{} – {}", question.first, question.last),
        is_cut: counted.is_cut,
        rows,
        chart_height: bars.len() * BAR_STEP,
        bars,
        definitions: definitions.into(),
        params,
        shell,
    })
}

fn by_words(language: Language, by: By) -> String {
    let key = match by {
        By::Rule => key!("figures-by-rule"),
        By::Person => key!("figures-by-person"),
        By::Team => key!("figures-by-team"),
        By::Grade => key!("figures-by-grade"),
    };
    text(language, key)
}

fn named(language: Language, by: By, group: &str) -> String {
    if group == NO_GROUP {
        let is_of_grades = by == By::Grade;
        let key = if is_of_grades { key!("figures-no-grade") } else { key!("figures-no-team") };
        text(language, key)
    } else {
        Visible(group).to_string()
    }
}

fn line(language: Language, (name, figures): (String, &Figures)) -> Line {
    let outcome = |(word, n): (&String, &u64)| {
        let known = find_text(language, &format!("outcome-{word}"));
        let known = known.or_else(|| find_text(language, &format!("status-{word}")));
        format!("{} {n}", known.unwrap_or_else(|| Visible(word).to_string()))
    };
    Line {
        name,
        is_whole: false,
        tasks: figures.tasks,
        response: spread(language, &figures.response),
        response_working: spread(language, &figures.response_working),
        followed: share(language, figures.followed_up),
        on_time: share(language, figures.on_time),
        told_later: figures.told_later,
        wasted: share(language, figures.wasted),
        converted: share(language, figures.converted),
        orders: share(language, figures.orders),
        outcomes: figures.outcomes.iter().map(outcome).collect(),
    }
}

/// Returns a line of what was judged; none of routes, which nothing judges.
fn verdict(language: Language, what: What, rate: &Rate) -> Option<VerdictLine> {
    let name = match what {
        What::Grade => key!("lead-grade"),
        What::Score => key!("lead-score"),
        What::Probability => key!("lead-probability"),
        What::Route => return None,
    };
    let of = |count| share(language, Share::of(count, rate.n));
    let (machine, human) = (of(rate.machine_right), of(rate.human_right));
    Some(VerdictLine { name: text(language, name), machine, human })
}

fn bar(language: Language, place: usize, name: String, figures: &Figures) -> Bar {
    let permille = figures.followed_up.permille.unwrap_or_default();
    let words = share(language, figures.followed_up);
    let y = place * BAR_STEP;
    Bar { name, words, width: permille * BAR_WIDTH / 1_000, y, text_y: y + BAR_STEP / 2 + 1 }
}

/// Returns a share with its number of cases; a dash where there are none.
fn share(language: Language, share: Share) -> String {
    let Some(permille) = share.permille else { return "–".to_owned() };
    let percent = format!("{}.{}", permille / 10, permille % 10);
    let values = [
        ("percent", FluentValue::from(percent)),
        ("count", FluentValue::from(share.count)),
        ("n", FluentValue::from(share.n)),
    ];
    text_with(language, key!("figures-share"), values)
}

fn spread(language: Language, spread: &Spread) -> String {
    let (Some(median), Some(p90)) = (spread.median_s, spread.p90_s) else {
        return "–".to_owned();
    };
    let values = [
        ("median", FluentValue::from(lasted(language, median))),
        ("ninth", FluentValue::from(lasted(language, p90))),
        ("n", FluentValue::from(spread.n)),
    ];
    text_with(language, key!("figures-spread"), values)
}

/// Returns a time in words, rounded down to minutes.
fn lasted(language: Language, seconds: u64) -> String {
    let minutes = seconds / 60;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    let values = [
        ("days", FluentValue::from(days)),
        ("hours", FluentValue::from(hours)),
        ("minutes", FluentValue::from(minutes % 60)),
    ];
    let key = match (days, hours) {
        (0, 0) => key!("lasted-minutes"),
        (0, _) => key!("lasted-hours"),
        (_, _) => key!("lasted-days"),
    };
    text_with(language, key, values)
}
