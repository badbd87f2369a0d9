//! `upturn facts`: what feeds say, looked up as of a day.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::{Value, json};
use upturn_core::duty::assess::{Candidate, Decision, Question};
use upturn_core::event::Position;
use upturn_core::fact::place::Country;
use upturn_core::fact::rate::Purpose;
use upturn_core::fact::rate_book::{Leg, Query};
use upturn_core::money::Currency;
use upturn_core::tax::Asked;

use super::output;
use super::store_command::{self, open};
use crate::clock::SystemClock;
use crate::exit::Exit;
use crate::facts::lookup::{LookupError, RateAsked, RateFound};
use crate::facts::saved::{self, SavedError};
use crate::facts::stored::{self, StoredError, Wanted};
use crate::facts::{Facts, Sheet};
use crate::feeds::files::{FeedsError, Setup};
use crate::store::schema;

/// Looks facts up.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Look one thing up, as of a day
    #[command(subcommand)]
    Get(Get),
}

/// What is looked up.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Get {
    /// The price of one currency in another
    Rate(RateArgs),
    /// The standard rate of tax in a country
    Tax(TaxArgs),
    /// What a tariff levies on goods
    Duty(DutyArgs),
}

/// What every look-up is made with.
#[derive(Debug, clap::Args)]
struct Common {
    /// The day, as 2025-01-27
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    /// By this feed alone
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// Look in this folder of saved documents, a sub-directory for each feed with feed.toml,
    /// instead of the database
    #[arg(long, value_name = "DIR")]
    facts: Option<PathBuf>,
    /// Ask the sets by which what stands at this place in the log is judged, instead of those in force
    #[arg(long, value_name = "POSITION", conflicts_with = "facts")]
    position: Option<Position>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RateArgs {
    /// The currency that is priced: EUR
    base: Currency,
    /// The currency it is priced in: CNY
    quote: Currency,
    /// What the rate is used for
    #[arg(long, value_enum, default_value_t = PurposeArg::Spot)]
    purpose: PurposeArg,
    /// Reckon through this currency, also where there is a direct price
    #[arg(long, value_name = "CURRENCY")]
    via: Option<Currency>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PurposeArg {
    /// Prices of goods and services
    Spot,
    /// The customs value of imports
    Customs,
}

#[derive(Debug, clap::Args)]
pub(super) struct TaxArgs {
    /// The country: DE
    country: Country,
    /// The state or province: ON
    #[arg(long)]
    region: Option<String>,
    /// The postcode, by which some parts are set apart
    #[arg(long)]
    postcode: Option<String>,
    /// The part of the country, as the source has it behind the country
    #[arg(long)]
    territory: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct DutyArgs {
    /// The code of the goods, 10 digits
    commodity: String,
    /// Where the goods go: GB
    #[arg(long, value_name = "COUNTRY")]
    to: Country,
    /// Where they have their origin: CN
    #[arg(long, value_name = "COUNTRY")]
    from: Country,
    /// An additional code that the declaration will state; may stand several times
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    /// The origin can be proved, as preferences demand
    #[arg(long)]
    proof: bool,
    /// The rule of the option that is to be claimed
    #[arg(long, value_name = "RULE")]
    claim: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What was found, for people and for programs.
struct Told {
    text: String,
    json: Value,
}

/// Why a look-up told nothing.
#[derive(Debug, thiserror::Error)]
enum GetError {
    #[error(transparent)]
    Saved(#[from] SavedError),
    #[error(transparent)]
    Stored(#[from] StoredError),
    #[error("{code}: {0}", code = .0.code())]
    Lookup(#[from] LookupError),
}

/// Runs `command`.
pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    let Command::Get(get) = command;
    let (Get::Rate(RateArgs { common, .. })
    | Get::Tax(TaxArgs { common, .. })
    | Get::Duty(DutyArgs { common, .. })) = get;
    match &common.facts {
        Some(dir) => answer(get, common, saved::read(dir).map_err(GetError::from)),
        None => store_command::run(config, |config| async move {
            let setup = Setup::new(&config, Arc::new(SystemClock)).map_err(FeedsError::from)?;
            let feeds = setup.load()?;
            let store = open(&config).await?;
            schema::require_current(&store).await?;
            let wanted = Wanted { feed: common.feed.as_deref(), position: common.position };
            let facts = stored::read(&store, &feeds, wanted).await;
            store.close().await;
            Ok(answer(get, common, facts.map_err(GetError::from)))
        }),
    }
}

/// Prints what `get` asks of `facts`.
fn answer(get: &Get, common: &Common, facts: Result<Facts, GetError>) -> Exit {
    let told = facts.and_then(|facts| {
        Ok(match get {
            Get::Rate(args) => rate(&facts, args)?,
            Get::Tax(args) => tax(&facts, args)?,
            Get::Duty(args) => duty(&facts, args)?,
        })
    });
    match told {
        Ok(told) if common.json => {
            output::printed(output::say_json(format_args!("{:#}", told.json)).map(|()| Exit::Ok))
        }
        Ok(told) => output::printed(output::say(told.text).map(|()| Exit::Ok)),
        Err(error) => refuse(&error, common.json),
    }
}

fn refuse(error: &GetError, is_json: bool) -> Exit {
    let (code, exit) = match error {
        GetError::Saved(error) if error.is_missing() => ("unreadable", Exit::NoInput),
        GetError::Stored(StoredError::Store(_)) => ("database-away", Exit::Unavailable),
        GetError::Saved(_) | GetError::Stored(_) => ("bad-document", Exit::DataErr),
        GetError::Lookup(error) => (error.code(), Exit::DataErr),
    };
    if !is_json {
        return output::failed(error, exit);
    }
    let told = json!({ "error": { "code": code, "message": error.to_string() } });
    output::printed(output::say_json(format_args!("{told:#}")).map(|()| exit))
}

fn rate(facts: &Facts, args: &RateArgs) -> Result<Told, LookupError> {
    let purpose = match args.purpose {
        PurposeArg::Spot => Purpose::Spot,
        PurposeArg::Customs => Purpose::Customs,
    };
    let query =
        Query { base: args.base, quote: args.quote, on: args.common.as_of, purpose, missed_max: 0 };
    let asked = RateAsked { query, via: args.via, feed: args.common.feed.clone() };
    let found = facts.rate(&asked)?;
    Ok(Told { text: rate_text(&found, &query), json: found.to_json(&query) })
}

fn rate_text(found: &RateFound<'_>, query: &Query) -> String {
    let value = found.price.value.normalize();
    let mut lines = vec![format!("1 {} = {value} {}", query.base, query.quote)];
    lines.extend(found.price.legs.iter().map(leg_text));
    lines.push(origin(found.sheet));
    lines.join("\n")
}

fn leg_text(leg: &Leg) -> String {
    let rate = &leg.rate;
    let turned = if leg.is_inverted { ", turned round" } else { "" };
    let held = rate.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let missed = match leg.missed {
        0 => "the newest that should be out",
        1 => "1 publication missed since",
        _ => "publications missed since",
    };
    format!(
        "  {}: {} {} = {} {} of {}{held}{turned} ({missed})",
        leg.source, rate.unit, rate.base, rate.value, rate.quote, rate.date
    )
}

/// Says which set it is and how old.
fn origin(sheet: &Sheet) -> String {
    match (sheet.set, sheet.checked_at) {
        (Some(set), Some(at)) => {
            format!("  set {set} of feed {}, last confirmed {}", sheet.feed, at.to_rfc3339())
        }
        _ => format!("  saved documents of feed {}", sheet.feed),
    }
}

fn tax(facts: &Facts, args: &TaxArgs) -> Result<Told, LookupError> {
    let asked = Asked {
        country: args.country,
        region: args.region.as_deref(),
        postcode: args.postcode.as_deref(),
        territory: args.territory.as_deref(),
    };
    let found = facts.tax(args.common.feed.as_deref(), &asked, args.common.as_of)?;
    let mut lines = vec![format!("{} %", found.percent.normalize())];
    lines.extend(found.rules.iter().map(|rule| format!("  {rule}")));
    lines.extend(found.elsewhere.iter().map(|rule| format!("  elsewhere: {rule}")));
    lines.push(origin(found.sheet));
    let json = json!({
        "country": args.country,
        "as_of": args.common.as_of,
        "percent": found.percent.to_string(),
        "feed": found.sheet.feed,
        "set": found.sheet.set,
        "checked_at": found.sheet.checked_at,
        "answer": found.answer,
    });
    Ok(Told { text: lines.join("\n"), json })
}

fn duty(facts: &Facts, args: &DutyArgs) -> Result<Told, LookupError> {
    let codes: Vec<&str> = args.codes.iter().map(String::as_str).collect();
    let question = Question {
        destination: args.to,
        commodity: &args.commodity,
        origin: args.from,
        day: args.common.as_of,
        additional_codes: (!codes.is_empty()).then_some(&codes),
        has_proof_of_origin: args.proof,
        claim: args.claim.as_deref(),
    };
    let found = facts.duty(args.common.feed.as_deref(), &question)?;
    let mut lines = Vec::new();
    for (name, decision) in [("duty", &found.duty), ("excise", &found.excise), ("vat", &found.vat)]
    {
        lines.extend(decision_text(name, decision));
    }
    lines
        .extend(found.stops.iter().map(|stop| format!("stop: {} (rule {})", stop.name, stop.rule)));
    let options = found.options.iter();
    lines.extend(options.map(|one| format!("option: {} (rule {})", one.name, one.rule)));
    Ok(Told { text: lines.join("\n"), json: json!(found) })
}

fn decision_text(name: &str, decision: &Decision<'_>) -> Vec<String> {
    match decision {
        Decision::Nothing => Vec::new(),
        Decision::One(candidate) => vec![format!("{name}: {}", candidate_text(candidate))],
        Decision::NeedsPerson(open) => {
            let mut lines = vec![format!("{name}: a person has to decide")];
            lines.extend(open.questions.iter().map(|why| format!("  {why}")));
            let candidates = open.candidates.iter();
            lines.extend(candidates.map(|one| format!("  candidate: {}", candidate_text(one))));
            lines
        }
    }
}

fn candidate_text(candidate: &Candidate<'_>) -> String {
    let parts = std::iter::once(&candidate.base).chain(&candidate.additional).map(|measure| {
        let charge = match &measure.charge {
            upturn_core::fact::duty::Charge::Duty(expression) => expression.to_string(),
            upturn_core::fact::duty::Charge::Unit(unit) => unit.to_string(),
            upturn_core::fact::duty::Charge::Nothing => "nothing".to_owned(),
            upturn_core::fact::duty::Charge::Unread { written, .. } => written.clone(),
        };
        let (source, rule, name) = (&measure.source, &measure.rule, &measure.name);
        format!("{charge} ({name}; {source} rule {rule}, {})", measure.valid)
    });
    parts.collect::<Vec<_>>().join(" + ")
}
