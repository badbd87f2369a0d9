//! Deliveries at risk: what is promised in orders, held against what records, facts and tasks say today.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use upturn_core::compliance::delivery_risk::{Delivery, DeliveryRisk, Light, Source};
use upturn_core::compliance::process::deal::Action as DealAction;
use upturn_core::fact::Fact;

use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::runtime::selling::deals::Fields;
use crate::store::{deal_act, open_ticket, policy, record};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::facts;
use crate::web::fault::Fault;

/// Records of a kind that are looked at.
const RECORDS_MAX: usize = 50_000;
/// Records that are read at once.
const PAGE: u32 = 500;
/// Acts that are looked at.
const ACTS: u32 = 5_000;

/// A line of an order that is not delivered.
#[derive(Clone, Debug)]
pub(crate) struct AtRisk {
    /// The order and its line.
    pub(crate) order: String,
    /// Who ordered.
    pub(crate) account: String,
    /// What.
    pub(crate) product: String,
    /// When it was promised for.
    pub(crate) due_on: NaiveDate,
    /// How it stands.
    pub(crate) light: Light,
    /// Who sees a delay.
    pub(crate) sources: Vec<Source>,
}

/// Everything that says something about deliveries.
#[derive(Debug, Default)]
pub(crate) struct Known {
    orders: Vec<Fields>,
    plans: Vec<Fields>,
    shipments: Vec<Fields>,
    stock: Vec<Fields>,
    /// The days in contracts, by deal.
    contracts: BTreeMap<String, NaiveDate>,
    closures: Vec<(String, NaiveDate, NaiveDate)>,
    tickets: BTreeMap<String, u64>,
}

/// Returns the deliveries that somebody sees a delay of, the worst first; none without a document that says
/// what makes them doubtful.
pub(crate) async fn board(app: &App, caller: &Caller) -> Result<Vec<AtRisk>, Fault> {
    let sight = caller.sight(app, Action::ReadDeals).await?;
    let version = policy::committed(&app.store).await?;
    let Some(risk) = version.and_then(|version| version.policy.delivery_risk) else {
        return Ok(Vec::new());
    };
    let mut known = gather(app).await?;
    if sight != Sight::All {
        let owned: BTreeSet<String> = [records(app, "deal").await?, records(app, "account").await?]
            .into_iter()
            .flatten()
            .filter(|one| sight.covers(text(one, "owner"), None))
            .map(|one| text(&one, "id").to_owned())
            .collect();
        known.orders.retain(|order| {
            owned.contains(text(order, "deal")) || owned.contains(text(order, "account"))
        });
    }
    Ok(judge(&risk, &known, super::today(app)))
}

/// Judges every line that is promised and not delivered.
pub(crate) fn judge(risk: &DeliveryRisk, known: &Known, today: NaiveDate) -> Vec<AtRisk> {
    let lines = known.orders.iter().filter_map(|order| {
        let due_on = day(order, "promised_on")?;
        let delivery = known.delivery(order, due_on)?;
        let (light, sources) = risk.judge(&delivery, today);
        (light != Light::Green).then(|| AtRisk {
            order: format!("{}/{}", text(order, "id"), text(order, "line")),
            account: text(order, "account").to_owned(),
            product: text(order, "product").to_owned(),
            due_on,
            light,
            sources,
        })
    });
    let mut found: Vec<AtRisk> = lines.collect();
    found.sort_by(|one, other| {
        (other.light, one.due_on, &one.order).cmp(&(one.light, other.due_on, &other.order))
    });
    found
}

impl Known {
    /// Returns what is known of the delivery of a line; none where it has arrived.
    fn delivery(&self, order: &Fields, due_on: NaiveDate) -> Option<Delivery> {
        let (id, product) = (text(order, "id"), text(order, "product"));
        let is_of = |one: &&Fields| text(one, "order") == id && text(one, "product") == product;
        let shipments: Vec<&Fields> = self.shipments.iter().filter(is_of).collect();
        let is_under_way = |one: &&&Fields| !one.contains_key("arrived_on");
        let under_way: Vec<&Fields> = shipments.iter().filter(is_under_way).copied().collect();
        if !shipments.is_empty() && under_way.is_empty() {
            return None;
        }
        let plans = self.plans.iter().filter(is_of);
        let produced_on = plans.filter_map(|plan| day(plan, "due_on")).max();
        let arrives_on = under_way.iter().filter_map(|one| day(one, "expected_on")).max();
        // What is made or on its way for the order is not taken from the shelf.
        let from_shelf = produced_on.is_none() && under_way.is_empty();
        let needed = number(order, "quantity");
        let on_hand = self.on_hand(product);
        let places: Vec<&str> = under_way
            .iter()
            .flat_map(|one| [text(one, "lane"), text(one, "from"), text(one, "to")])
            .filter(|place| !place.is_empty())
            .collect();
        let closures = self.closures.iter().filter(|(what, ..)| {
            let bare = what.split_once(':').map_or(&**what, |(_, bare)| bare);
            places.iter().any(|place| what == place || bare == *place)
        });
        let tickets = self.tickets.get(text(order, "account")).copied().unwrap_or_default();
        Some(Delivery {
            due_on,
            contract_on: self.contracts.get(text(order, "deal")).copied(),
            produced_on,
            way_days: 0,
            arrives_on,
            needed_and_on_hand: needed
                .zip(on_hand)
                .filter(|_| from_shelf)
                .map(|(needed, on_hand)| (needed.into(), on_hand.into())),
            closures: closures.map(|(_, first, last)| (*first, *last)).collect(),
            open_tickets: u32::try_from(tickets).unwrap_or(u32::MAX),
        })
    }

    /// Returns how many of a product lie anywhere and are promised to nobody; none where nobody counts it.
    fn on_hand(&self, product: &str) -> Option<Decimal> {
        let rows = self.stock.iter().filter(|row| text(row, "product") == product);
        let free = rows.map(|row| {
            let reserved = number(row, "reserved").unwrap_or_default();
            number(row, "on_hand").unwrap_or_default().saturating_sub(reserved)
        });
        free.reduce(Decimal::saturating_add)
    }
}

async fn gather(app: &App) -> Result<Known, Fault> {
    let facts = facts::in_force(app).await?;
    let facts = facts.sheets.iter().flat_map(|sheet| sheet.facts.iter());
    let closures = facts.filter_map(|fact| match fact {
        Fact::Closure(closure) => Some((closure.what.clone(), closure.first_on, closure.last_on)),
        Fact::Rate(_)
        | Fact::Tax(_)
        | Fact::Duty(_)
        | Fact::Goods(_)
        | Fact::Calendar(_)
        | Fact::Sailing(_)
        | Fact::PortCall(_)
        | Fact::TransportEvent(_)
        | Fact::Lane(_)
        | Fact::Weather(_)
        | Fact::Attributes(_)
        | Fact::Policy(_)
        | Fact::Unread(_) => None,
    });
    Ok(Known {
        orders: records(app, "order").await?,
        plans: records(app, "plan").await?,
        shipments: records(app, "shipment").await?,
        stock: records(app, "stock").await?,
        contracts: contracts(app).await?,
        closures: closures.collect(),
        tickets: open_ticket::by_account(&app.store).await?,
    })
}

async fn records(app: &App, kind: &str) -> Result<Vec<Fields>, Fault> {
    let (mut after, mut found) = (String::new(), Vec::new());
    while found.len() < RECORDS_MAX {
        let page = record::page(&app.store, kind, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        let read = page.iter().map(|one| serde_json::from_str(&one.document).unwrap_or_default());
        found.extend(read);
    }
    Ok(found)
}

/// Returns the days that were promised when contracts were signed.
async fn contracts(app: &App) -> Result<BTreeMap<String, NaiveDate>, Fault> {
    let (mut after, mut found) = ((String::new(), 0), BTreeMap::new());
    loop {
        let page = deal_act::page(&app.store, (&after.0, after.1), ACTS).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = (last.deal.clone(), last.revision);
        for act in page {
            if let DealAction::Sign { due_at } = act.action {
                let day = due_at.with_timezone(&app.reloader.zone()).date_naive();
                found.insert(act.deal, day);
            }
        }
    }
}

fn text<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map_or("", String::as_str)
}

fn day(fields: &Fields, name: &str) -> Option<NaiveDate> {
    text(fields, name).parse().ok()
}

fn number(fields: &Fields, name: &str) -> Option<Decimal> {
    text(fields, name).parse().ok()
}

/// Returns what programs are told of `one`.
pub(crate) fn told(one: &AtRisk) -> Value {
    serde_json::json!({
        "order": one.order, "account": one.account, "product": one.product,
        "due_on": one.due_on.to_string(), "light": one.light, "sources": one.sources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn known(about: &[(&str, &str)]) -> Known {
        let order = "id=o1 line=1 account=a deal=d1 product=p quantity=4 promised_on=2025-01-20";
        let mut known = Known { orders: vec![fields(order)], ..Known::default() };
        let date = |text: &str| text.parse().unwrap();
        for (kind, text) in about {
            match *kind {
                "plan" => known.plans.push(fields(text)),
                "shipment" => known.shipments.push(fields(text)),
                "stock" => known.stock.push(fields(text)),
                "contract" => drop(known.contracts.insert("d1".to_owned(), date(text))),
                "closure" => {
                    known.closures.push((
                        (*text).to_owned(),
                        date("2025-01-18"),
                        date("2025-01-19"),
                    ));
                }
                _ => drop(known.tickets.insert("a".to_owned(), 1)),
            }
        }
        known
    }

    /// What is known, and what sees a delay in it.
    type Case<'c> = (&'c [(&'c str, &'c str)], &'c [Source]);

    #[test]
    fn each_source_sees_its_delay_and_none_without_it() {
        let text = include_str!("../../../../deploy/compliance/delivery-risk.toml");
        let risk: DeliveryRisk = toml::from_str(text).unwrap();
        let on_way = ("shipment", "order=o1 product=p lane=road-1 expected_on=2025-01-19");
        let cases: [Case<'_>; 9] = [
            (&[], &[]),
            (&[("contract", "2025-01-19")], &[Source::ContractDate]),
            (&[("plan", "order=o1 product=p due_on=2025-01-21")], &[Source::ProductionPlan]),
            (&[("shipment", "order=o1 product=p expected_on=2025-01-21")], &[Source::Shipment]),
            (&[("stock", "product=p on_hand=5 reserved=2")], &[Source::Stock]),
            (&[("stock", "product=p on_hand=5 reserved=2"), on_way], &[]),
            (&[on_way, ("closure", "lane:road-1")], &[Source::CarrierClosure]),
            (&[("ticket", "")], &[Source::OpenTicket]),
            (&[("ticket", ""), ("shipment", "order=o1 product=p arrived_on=2025-01-10")], &[]),
        ];
        for (about, expected) in cases {
            for (today, light) in [("2025-01-15", Light::Amber), ("2025-01-16", Light::Red)] {
                let found = judge(&risk, &known(about), today.parse().unwrap());
                let told = found.first().map(|one| (one.light, &*one.sources));
                let wanted = (!expected.is_empty()).then_some((light, expected));
                assert_eq!(told, wanted, "case: {about:?} on {today}");
            }
            // Without the source in the document, nobody sees it.
            let source = risk.source.iter().copied().filter(|one| !expected.contains(one));
            let less = DeliveryRisk { source: source.collect(), ..risk.clone() };
            let found = judge(&less, &known(about), "2025-01-16".parse().unwrap());
            assert!(found.is_empty(), "case: {about:?}");
        }
    }
}
