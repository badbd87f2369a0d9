//! Feeds: what facts come from, as settings and commands name them.
//!
//! To add a feed: a file in its family's folder with a pure reader and what it states ([`Supply`]), and
//! a line in [`KINDS`].

use schemars::Schema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use upturn_core::fact::Fact;
use upturn_core::fact::almanac::Almanac;
use upturn_core::fact::attributes::Attributes;
use upturn_core::fact::closure::Closure;
use upturn_core::fact::duty::Measure;
use upturn_core::fact::goods::Goods;
use upturn_core::fact::lane::Lane;
use upturn_core::fact::policy::Policy;
use upturn_core::fact::port_call::PortCall;
use upturn_core::fact::tax::TaxRate;
use upturn_core::fact::transport_event::TransportEvent;
use upturn_core::fact::weather::Weather;

use self::supply::Supply;
use crate::read::ReadError;
use crate::{attributes, calendars, logistics, policies, rates, tax, weather};

mod join;
pub mod pull;
pub mod source;
pub mod supply;

/// A kind of feed.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in settings and commands: `ecb`.
    pub name: &'static str,
    /// What it brings, in a sentence.
    pub about: &'static str,
    /// Returns the JSON Schema of the settings by which its documents are read.
    pub schema: fn() -> Schema,
    /// Where its documents are, when, and what else holds for it.
    pub supply: Supply,
    /// Reads a document as it came, by settings (an object).
    pub parse: fn(&Value, &[u8]) -> Result<Vec<Fact>, FeedError>,
}

/// Why a document gives no facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The settings are wrong.
    #[error("the settings are wrong: {0}")]
    Settings(String),
    /// The document is.
    #[error(transparent)]
    Document(#[from] ReadError),
}

/// All kinds of feeds, in the order of their names.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "attributes",
        about: "Attributes of sites or accounts from any JSON, XML or delimited text, by settings.",
        supply: Supply::TAXES,
        schema: || schemars::schema_for!(attributes::Settings),
        parse: |settings, bytes| told(settings, bytes, attributes::read, of_attributes),
    },
    Kind {
        name: "cfets",
        about: "The central parity of the yuan, from China's interbank market.",
        supply: rates::cfets::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || rates::cfets::read(bytes), Fact::Rate),
    },
    Kind {
        name: "chinese-days",
        about: "China's holidays and make-up workdays, by the package chinese-days.",
        supply: Supply::CALENDARS,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || calendars::chinese_days::read(bytes), of_days),
    },
    Kind {
        name: "closures",
        about: "Closed windows from a table that operations keep, in JSON, XML or delimited text.",
        supply: Supply::CARRIERS,
        schema: || schemars::schema_for!(logistics::closures::Settings),
        parse: |settings, bytes| told(settings, bytes, logistics::closures::read, of_closure),
    },
    Kind {
        name: "dcsa-events",
        about: "What carriers tell of shipments on their way, by DCSA's Track & Trace 2 and 3.",
        supply: logistics::dcsa_events::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || logistics::dcsa_events::read(bytes), of_event),
    },
    Kind {
        name: "dcsa-schedules",
        about: "Carriers' routes and schedules, by DCSA's Commercial Schedules 1.",
        supply: logistics::dcsa_schedules::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| {
            plain(settings, || logistics::dcsa_schedules::read(bytes), std::convert::identity)
        },
    },
    Kind {
        name: "departures",
        about: "Single departures from a carrier's sheet in JSON, XML or delimited text.",
        supply: Supply::CARRIERS,
        schema: || schemars::schema_for!(logistics::departures::Settings),
        parse: |settings, bytes| {
            told(settings, bytes, logistics::departures::read, std::convert::identity)
        },
    },
    Kind {
        name: "duty-table",
        about: "Duties from any table in JSON, XML or delimited text, as settings describe it.",
        supply: Supply::TAXES,
        schema: || schemars::schema_for!(tax::duty_table::Settings),
        parse: |settings, bytes| {
            let settings: tax::duty_table::Settings = read(settings)?;
            Ok(facts(tax::duty_table::read(&settings, bytes)?, of_duty))
        },
    },
    Kind {
        name: "ecb",
        about: "The European Central Bank's reference rates: XML, CSV, zip, or the Data Portal's CSV.",
        supply: rates::ecb::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || rates::ecb::read(bytes), Fact::Rate),
    },
    Kind {
        name: "frankfurter",
        about: "Central banks' rates handed on by Frankfurter, version 1 or 2 of its API.",
        supply: rates::frankfurter::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || rates::frankfurter::read(bytes), Fact::Rate),
    },
    Kind {
        name: "gtfs",
        about: "The days on which the services of a GTFS timetable run: archive or calendar files.",
        supply: Supply::CALENDARS,
        schema: || schemars::schema_for!(calendars::gtfs::Settings),
        parse: |settings, bytes| told(settings, bytes, calendars::gtfs::read, of_days),
    },
    Kind {
        name: "harmonized-system",
        about: "Codes of goods and what they stand for: chapters, headings, subheadings.",
        supply: tax::harmonized_system::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || tax::harmonized_system::read(bytes), of_goods),
    },
    Kind {
        name: "hmrc",
        about: "The monthly rates by which the United Kingdom values imports.",
        supply: rates::hmrc::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || rates::hmrc::read(bytes), Fact::Rate),
    },
    Kind {
        name: "holiday-cn",
        about: "China's holidays and make-up workdays, by holiday-cn, a file a year.",
        supply: Supply::CALENDARS,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || calendars::holiday_cn::read(bytes), of_days),
    },
    Kind {
        name: "ibericode",
        about: "VAT of the European Union and the United Kingdom, by day and territory.",
        supply: tax::ibericode::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || tax::ibericode::read(bytes), of_tax),
    },
    Kind {
        name: "icalendar",
        about: "Days off and make-up workdays of any calendar in iCalendar's format.",
        supply: Supply::CALENDARS,
        schema: || schemars::schema_for!(calendars::icalendar::Settings),
        parse: |settings, bytes| told(settings, bytes, calendars::icalendar::read, of_days),
    },
    Kind {
        name: "lanes",
        about: "Carriers' lanes from a table that operations keep, in JSON, XML or delimited text.",
        supply: Supply::CARRIERS,
        schema: || schemars::schema_for!(logistics::lanes::Settings),
        parse: |settings, bytes| told(settings, bytes, logistics::lanes::read, of_lane),
    },
    Kind {
        name: "nager",
        about: "Public holidays of many countries and their counties, by Nager.Date.",
        supply: calendars::nager::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || calendars::nager::read(bytes), of_days),
    },
    Kind {
        name: "open-exchange-rates",
        about: "Rates of all currencies in one base, by Open Exchange Rates.",
        supply: rates::open_exchange_rates::SUPPLY,
        schema: || schemars::schema_for!(Zoned),
        parse: |settings, bytes| {
            let Zoned { zone } = read(settings)?;
            Ok(facts(rates::open_exchange_rates::read(bytes, zone)?, Fact::Rate))
        },
    },
    Kind {
        name: "open-meteo",
        about: "Weather now, by the hour and by the day, by Open-Meteo.",
        supply: Supply::WEATHER,
        schema: || schemars::schema_for!(weather::open_meteo::Settings),
        parse: |settings, bytes| told(settings, bytes, weather::open_meteo::read, of_weather),
    },
    Kind {
        name: "policies",
        about: "Policies that operations keep in a table, each used once a person has confirmed it.",
        supply: Supply::TAXES,
        schema: || schemars::schema_for!(policies::Settings),
        parse: |settings, bytes| told(settings, bytes, policies::read, of_policy),
    },
    Kind {
        name: "portchain",
        about: "Ships' calls at ports with every revision of their times, by Portchain.",
        supply: Supply::CARRIERS,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || logistics::portchain::read(bytes), of_call),
    },
    Kind {
        name: "sales-tax",
        about: "VAT, GST and sales taxes of the world, with states and provinces.",
        supply: tax::sales_tax::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || tax::sales_tax::read(bytes), of_tax),
    },
    Kind {
        name: "table",
        about: "Rates from any bank's JSON, XML or delimited text, as settings describe it.",
        supply: Supply::RATES,
        schema: || schemars::schema_for!(rates::table::Settings),
        parse: |settings, bytes| {
            let settings: rates::table::Settings = read(settings)?;
            Ok(facts(rates::table::read(&settings, bytes)?, Fact::Rate))
        },
    },
    Kind {
        name: "tax-table",
        about: "Tax rates from any table in JSON, XML or delimited text, as settings describe it.",
        supply: Supply::TAXES,
        schema: || schemars::schema_for!(tax::tax_table::Settings),
        parse: |settings, bytes| {
            let settings: tax::tax_table::Settings = read(settings)?;
            Ok(facts(tax::tax_table::read(&settings, bytes)?, of_tax))
        },
    },
    Kind {
        name: "tedb",
        about: "VAT by the European Commission's database, with codes of goods and services.",
        supply: tax::tedb::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || tax::tedb::read(bytes), of_tax),
    },
    Kind {
        name: "terminal-calls",
        about: "Ships' calls and the hours boxes are taken, as terminals in China publish them.",
        supply: Supply::CARRIERS,
        schema: || schemars::schema_for!(logistics::terminal_calls::Settings),
        parse: |settings, bytes| told(settings, bytes, logistics::terminal_calls::read, of_call),
    },
    Kind {
        name: "uk-bank-holidays",
        about: "Bank holidays of the United Kingdom's divisions, by gov.uk.",
        supply: calendars::uk_bank_holidays::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| {
            plain(settings, || calendars::uk_bank_holidays::read(bytes), of_days)
        },
    },
    Kind {
        name: "uk-tariff",
        about: "A commodity's duties, taxes and controls in the United Kingdom.",
        supply: tax::uk_tariff::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || tax::uk_tariff::read(bytes), of_duty),
    },
    Kind {
        name: "vat-history",
        about: "VAT since 1967, by day and territory.",
        supply: tax::vat_history::SUPPLY,
        schema: || schemars::schema_for!(None),
        parse: |settings, bytes| plain(settings, || tax::vat_history::read(bytes), of_tax),
    },
];

/// Returns the kind `name`.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Settings of a feed whose documents need none.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct None {}

/// Settings of a feed that tells instants where days are meant.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Zoned {
    /// The zone whose days they are: `Europe/London`.
    #[serde(default = "utc")]
    #[schemars(with = "String")]
    zone: chrono_tz::Tz,
}

fn utc() -> chrono_tz::Tz {
    chrono_tz::Tz::UTC
}

fn plain<T>(
    settings: &Value,
    read_all: impl FnOnce() -> Result<Vec<T>, ReadError>,
    fact: fn(T) -> Fact,
) -> Result<Vec<Fact>, FeedError> {
    let None {} = read(settings)?;
    Ok(facts(read_all()?, fact))
}

/// Reads a document by settings of its kind.
fn told<S: DeserializeOwned, T>(
    settings: &Value,
    bytes: &[u8],
    read_all: fn(&S, &[u8]) -> Result<Vec<T>, ReadError>,
    fact: fn(T) -> Fact,
) -> Result<Vec<Fact>, FeedError> {
    Ok(facts(read_all(&read(settings)?, bytes)?, fact))
}

fn facts<T>(read: Vec<T>, fact: fn(T) -> Fact) -> Vec<Fact> {
    let mut facts: Vec<Fact> = read.into_iter().map(fact).collect();
    // They stay for long, and what they were read into may have room for many more.
    facts.shrink_to_fit();
    facts
}

fn of_tax(rate: TaxRate) -> Fact {
    Fact::Tax(Box::new(rate))
}

fn of_goods(goods: Goods) -> Fact {
    Fact::Goods(Box::new(goods))
}

fn of_attributes(attributes: Attributes) -> Fact {
    Fact::Attributes(Box::new(attributes))
}

fn of_closure(closure: Closure) -> Fact {
    Fact::Closure(Box::new(closure))
}

fn of_days(almanac: Almanac) -> Fact {
    Fact::Calendar(Box::new(almanac))
}

fn of_call(call: PortCall) -> Fact {
    Fact::PortCall(Box::new(call))
}

fn of_event(event: TransportEvent) -> Fact {
    Fact::TransportEvent(Box::new(event))
}

fn of_lane(lane: Lane) -> Fact {
    Fact::Lane(Box::new(lane))
}

fn of_policy(policy: Policy) -> Fact {
    Fact::Policy(Box::new(policy))
}

fn of_weather(weather: Weather) -> Fact {
    Fact::Weather(Box::new(weather))
}

fn of_duty(measure: Measure) -> Fact {
    Fact::Duty(Box::new(measure))
}

fn read<T: DeserializeOwned>(settings: &Value) -> Result<T, FeedError> {
    T::deserialize(settings).map_err(|error| FeedError::Settings(error.to_string()))
}
