//! The way into the country of destination: customs value, duty, excise, tax, in that order.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use self::levy::Levied;
use super::destination::{self, ImportTax, Valuation};
use super::library::{Exchange, Library};
use super::priced::{Cost, CustomsItem, CustomsView, PricedLine, UsedRate};
use super::problem::{Code, Problem};
use super::request::{Goods, Request};
use super::stated::StatedFacts;
use crate::duty::territory::customs_territory;
use crate::fact::place::Country;
use crate::fact::rate::Purpose;
use crate::money::rounding::{round, share};
use crate::money::{Currency, Money};

mod levy;

/// How the destination values and taxes imports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) territory: Country,
    pub(super) valuation: Valuation,
    pub(super) tax: ImportTax,
}

/// What is declared: the lines, and the costs that the request states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freight<'a> {
    pub(super) lines: &'a [PricedLine],
    pub(super) costs: &'a [Cost],
}

/// What a declaration comes to.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) view: Option<CustomsView>,
    pub(super) levies: Vec<Levied>,
    pub(super) problems: Vec<Problem>,
    pub(super) used: StatedFacts,
}

/// Goods that are declared together.
#[derive(Debug)]
struct Item<'a> {
    goods: &'a Goods,
    lines: Vec<usize>,
}

/// How a currency becomes that of the declaration.
#[derive(Debug)]
enum Way {
    Same,
    By(UsedRate),
    Missing,
}

/// Where a declaration is made out.
#[derive(Debug)]
struct Desk<'a> {
    request: &'a Request,
    library: &'a Library,
    ways: Ways,
    currency: Currency,
    decimals: u32,
    day: NaiveDate,
    /// What was found for each currency, so that what is missing is told once.
    rates: BTreeMap<Currency, Way>,
    problems: Vec<Problem>,
    used: StatedFacts,
}

/// Returns the day of the declaration.
pub(super) fn day(request: &Request) -> NaiveDate {
    request.import.declared_on.unwrap_or(request.date)
}

/// Declares the goods of `request`.
pub(super) fn declare(
    request: &Request,
    library: &Library,
    ways: Option<Ways>,
    freight: Freight<'_>,
) -> Declared {
    let mut problems = Vec::new();
    let country = request.route.to.country;
    if ways.is_none() {
        let territory = customs_territory(country, day(request));
        let known = if destination::is_unconfirmed(territory) {
            "has not been confirmed by a law that is named here"
        } else {
            "is not known here"
        };
        let message = format!(
            "how {country} values imports {known}; say 'valuation' and 'tax' under 'import'"
        );
        problems.push(Problem::new(Code::ValuationUnknown, "/import", message));
    }
    let day = day(request);
    let currency = request.import.currency.or_else(|| destination::currency(country, day));
    let currency = currency.and_then(|currency| Some((currency, currency.decimals()?)));
    if currency.is_none() {
        let message =
            format!("the currency of declarations in {country} is not known here; say 'currency'");
        problems.push(Problem::new(Code::CurrencyUnknown, "/import/currency", message));
    }
    let items = items(request, &mut problems);
    let (Some(ways), Some((currency, decimals)), true) = (ways, currency, problems.is_empty())
    else {
        return Declared { problems, ..Declared::default() };
    };
    let (rates, used) = (BTreeMap::new(), StatedFacts::default());
    let mut desk = Desk { request, library, ways, currency, decimals, day, rates, problems, used };
    let Some(declared) = desk.value(&items, freight) else { return desk.close(None, Vec::new()) };
    let levies = desk.levy(&items, &declared, freight);
    desk.close(Some(declared), levies)
}

/// Puts lines of the same goods together. Those that state quantities stand alone.
fn items<'a>(request: &'a Request, problems: &mut Vec<Problem>) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    for (index, line) in request.lines.iter().enumerate() {
        let Some(goods) = &line.customs else {
            let message = format!(
                "'{}' has no code of goods and no origin, without which no duty is known; \
                 give them under 'customs'",
                line.article
            );
            let at = format!("/lines/{index}/customs");
            problems.push(Problem::new(Code::GoodsUnclassified, at, message));
            continue;
        };
        let same = items.iter_mut().find(|item| item.goods == goods && goods.quantities.is_empty());
        match same {
            Some(item) => item.lines.push(index),
            None => items.push(Item { goods, lines: vec![index] }),
        }
    }
    items
}

impl Desk<'_> {
    fn close(self, items: Option<Vec<CustomsItem>>, levies: Vec<Levied>) -> Declared {
        let rates = self.rates.into_values().filter_map(|way| match way {
            Way::By(rate) => Some(rate),
            Way::Same | Way::Missing => None,
        });
        let view = items.map(|items| CustomsView {
            territory: self.ways.territory,
            valuation: self.ways.valuation,
            tax: self.ways.tax,
            currency: self.currency,
            declared_on: self.day,
            items,
            rates: rates.collect(),
        });
        Declared { view, levies, problems: self.problems, used: self.used }
    }

    /// Returns each item with its customs value.
    fn value(&mut self, items: &[Item<'_>], freight: Freight<'_>) -> Option<Vec<CustomsItem>> {
        let mut goods = Vec::with_capacity(items.len());
        for item in items {
            let mut sum = Some(Decimal::ZERO);
            for index in &item.lines {
                // Customs value what is given as if it were sold.
                let is_gift = self.request.lines.get(*index).is_some_and(|line| line.gift);
                let line = freight.lines.get(*index)?;
                let amount = if is_gift { line.gross.amount } else { line.net };
                let money = Money { amount, currency: line.gross.currency };
                let value = self.exchange(money, &format!("/lines/{index}/unit_price"));
                sum = sum.zip(value).and_then(|(sum, value)| sum.checked_add(value));
            }
            goods.push(sum.map(|sum| round(sum, self.decimals)));
        }
        let carriage = self.sum(freight, |cost| cost.in_duty_base);
        let goods: Vec<Decimal> = goods.into_iter().collect::<Option<_>>()?;
        let carriage = share(carriage?, &goods, self.decimals)?;
        let all = items.iter().zip(goods).zip(carriage);
        all.map(|((item, goods), carriage)| {
            Some(CustomsItem {
                commodity: item.goods.commodity.clone(),
                origin: item.goods.origin,
                lines: item.lines.clone(),
                goods: goods.into(),
                carriage: carriage.into(),
                customs_value: goods.checked_add(carriage)?.into(),
            })
        })
        .collect()
    }

    /// Returns what those costs come to that `counts`, rounded once.
    fn sum(&mut self, freight: Freight<'_>, counts: fn(&Cost) -> bool) -> Option<Decimal> {
        let mut sum = Some(Decimal::ZERO);
        for (index, cost) in freight.costs.iter().enumerate() {
            if counts(cost) {
                let value = self.exchange(cost.amount, &format!("/charges/{index}/amount"));
                sum = sum.zip(value).and_then(|(sum, value)| sum.checked_add(value));
            }
        }
        sum.map(|sum| round(sum, self.decimals))
    }

    /// Returns `money` in the currency of the declaration, by the customs rate, not rounded.
    fn exchange(&mut self, money: Money, at: &str) -> Option<Decimal> {
        if !self.rates.contains_key(&money.currency) {
            let sources = &self.request.sources;
            let asked = Exchange {
                from: money.currency,
                to: self.currency,
                on: self.day,
                purpose: Purpose::Customs,
                source: sources.customs.as_deref(),
                missed_max: sources.missed_max,
            };
            let way = match self.library.exchange(&asked, at) {
                Ok(None) => Way::Same,
                Ok(Some(rate)) => {
                    self.used.rates.extend(rate.legs.iter().map(|leg| leg.rate.clone()));
                    Way::By(rate)
                }
                Err(problem) => {
                    self.problems.push(problem);
                    Way::Missing
                }
            };
            self.rates.insert(money.currency, way);
        }
        match self.rates.get(&money.currency)? {
            Way::Missing => None,
            Way::Same => Some(money.amount.0),
            Way::By(rate) => rate.apply(money.amount.0),
        }
    }
}
