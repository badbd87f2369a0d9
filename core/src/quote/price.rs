//! Prices a request: the same request and the same facts give the same quote, to the cent.

use rust_decimal::Decimal;

use super::authority;
use super::check::{AMOUNT_MAX, check};
use super::customs::{self, Declared, Freight, Ways};
use super::destination::{self, ImportTax};
use super::library::{Exchange, Library};
use super::offer;
use super::priced::{Cost, CostKind, PricedLine, Quote, UsedRate};
use super::problem::{Code, Problem};
use super::request::{Discount, Line, Request};
use super::stated::StatedFacts;
use super::term::Term;
use crate::compliance::policy::Policy;
use crate::duty::territory::customs_territory;
use crate::fact::rate::Purpose;
use crate::money::rounding::{round, share};
use crate::money::{Currency, Money};

/// A quote, and the facts it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The quote.
    pub quote: Quote,
    /// All facts that bear on it.
    pub used: StatedFacts,
}

/// Prices `request` with the facts in `library` by the rules in `policy`.
///
/// What is missing, beyond authority or to be decided by a person is in the quote, at the terms it
/// keeps from going out. Fails where the request itself is wrong.
pub fn price(
    request: &Request,
    library: &Library,
    policy: &Policy,
) -> Result<Priced, Vec<Problem>> {
    let wrong = check(request);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let decimals = |currency: Currency| currency.decimals().unwrap_or_default();
    let mut pricing = Pricing {
        request,
        library,
        decimals: decimals(request.currency),
        used: StatedFacts::default(),
        missing: Vec::new(),
    };
    let lines = pricing.lines()?;
    let ways = ways(request);
    let mut costs = pricing.charges(ways);
    let declared = if request.terms.contains(&Term::Ddp) {
        let freight = Freight { lines: &lines, costs: &costs };
        customs::declare(request, library, ways, freight)
    } else {
        Declared::default()
    };
    pricing.used.merge(declared.used);
    for levied in declared.levies {
        let at = format!("/import ({})", levied.kind.as_str());
        let (price, rate) = pricing.exchange(levied.amount, &at);
        costs.push(Cost {
            kind: CostKind::Levy(levied.kind),
            description: levied.description,
            amount: levied.amount,
            price,
            rate,
            in_duty_base: false,
            in_vat_base: levied.kind != super::charge::LevyKind::Vat
                && ways.is_some_and(|ways| ways.tax != ImportTax::None),
            rules: levied.rules,
            base: Some(levied.base),
        });
    }
    let goods = lines
        .iter()
        .try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.price.map(|price| price.0)?));
    let mut quote = Quote {
        currency: request.currency,
        lines,
        goods: goods.map(Into::into),
        costs,
        customs: declared.view,
        offers: Vec::new(),
        problems: Vec::new(),
    };
    quote.problems = authority::check(policy, request, &quote.lines, |money, currency| {
        let rate = pricing.find(money.currency, currency).ok()?;
        rate.map_or(Some(money.amount.0), |rate| rate.apply(money.amount.0))
    });
    offer::make(request, &mut quote, &declared.problems, &pricing.missing);
    Ok(Priced { quote, used: pricing.used })
}

/// Returns how the destination values and taxes imports: as the request says, else as it is known to.
fn ways(request: &Request) -> Option<Ways> {
    let territory = customs_territory(request.route.to.country, customs::day(request));
    let known = destination::ways(territory);
    let (valuation, tax) = (request.import.valuation, request.import.tax);
    Some(Ways {
        territory,
        valuation: valuation.or(known.map(|(valuation, _)| valuation))?,
        tax: tax.or(known.map(|(_, tax)| tax))?,
    })
}

struct Pricing<'a> {
    request: &'a Request,
    library: &'a Library,
    decimals: u32,
    used: StatedFacts,
    /// Rates that are missing.
    missing: Vec<Problem>,
}

impl Pricing<'_> {
    /// Returns the lines in their own currency, and then in the quote's: of each currency the sum is
    /// exchanged and rounded once, and divided among its lines by largest remainders.
    fn lines(&mut self) -> Result<Vec<PricedLine>, Vec<Problem>> {
        let mut lines = Vec::with_capacity(self.request.lines.len());
        let mut problems = Vec::new();
        for (index, line) in self.request.lines.iter().enumerate() {
            match net(line, self.request.discount_percent.map(|percent| percent.0)) {
                Ok(priced) => lines.push(priced),
                Err((code, message)) => {
                    problems.push(Problem::new(code, format!("/lines/{index}"), message));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut currencies: Vec<Currency> = lines.iter().map(|line| line.gross.currency).collect();
        currencies.sort_unstable();
        currencies.dedup();
        for currency in currencies {
            let first = lines.iter().position(|line| line.gross.currency == currency);
            let at = format!("/lines/{}/unit_price", first.unwrap_or_default());
            let of_currency = || lines.iter().filter(|line| line.gross.currency == currency);
            let nets: Vec<Decimal> = of_currency().map(|line| line.net.0).collect();
            let total = nets.iter().try_fold(Decimal::ZERO, |sum, net| sum.checked_add(*net));
            let Some(total) = total else { continue };
            let (price, rate) = self.exchange(Money { amount: total.into(), currency }, &at);
            let Some(parts) = price.and_then(|price| share(price.0, &nets, self.decimals)) else {
                continue;
            };
            let lines = lines.iter_mut().filter(|line| line.gross.currency == currency);
            for (line, part) in lines.zip(parts) {
                line.price = Some(part.into());
                line.rate.clone_from(&rate);
            }
        }
        Ok(lines)
    }

    /// Returns the costs that the request states, in the order of the journey.
    fn charges(&mut self, ways: Option<Ways>) -> Vec<Cost> {
        let mut costs = Vec::with_capacity(self.request.charges.len());
        for (index, charge) in self.request.charges.iter().enumerate() {
            let (price, rate) = self.exchange(charge.amount, &format!("/charges/{index}/amount"));
            let kind = charge.kind;
            let by_kind = ways.is_some_and(|ways| kind.is_in_duty_base(ways.valuation));
            let in_duty_base =
                charge.in_duty_base.unwrap_or(by_kind && charge.in_vat_base != Some(false));
            let by_kind = ways.is_some_and(|ways| kind.is_in_vat_base(ways.valuation, ways.tax));
            costs.push(Cost {
                kind: CostKind::Charge(kind),
                description: charge.description.clone().unwrap_or_default(),
                amount: charge.amount,
                price,
                rate,
                in_duty_base,
                in_vat_base: charge.in_vat_base.unwrap_or(by_kind || in_duty_base),
                rules: Vec::new(),
                base: None,
            });
        }
        costs
    }

    /// Returns `money` in the quote's currency, rounded, and the rate it went through.
    fn exchange(
        &mut self,
        money: Money,
        at: &str,
    ) -> (Option<crate::money::exact::Exact>, Option<UsedRate>) {
        let rate = match self.find(money.currency, self.request.currency) {
            Ok(rate) => rate,
            Err(mut problem) => {
                at.clone_into(&mut problem.at);
                self.missing.push(problem);
                return (None, None);
            }
        };
        let Some(used) = rate else {
            return (Some(round(money.amount.0, self.decimals).into()), None);
        };
        self.used.rates.extend(used.legs.iter().map(|leg| leg.rate.clone()));
        let Some(amount) = used.apply(money.amount.0) else {
            let message = format!("{money} in {} is beyond 28 digits", self.request.currency);
            self.missing.push(Problem::new(Code::AmountTooLarge, at, message));
            return (None, None);
        };
        (Some(round(amount, self.decimals).into()), Some(used))
    }

    fn find(&self, from: Currency, to: Currency) -> Result<Option<UsedRate>, Problem> {
        let sources = &self.request.sources;
        let asked = Exchange {
            from,
            to,
            on: self.request.date,
            purpose: Purpose::Spot,
            source: sources.spot.as_deref(),
            missed_max: sources.missed_max,
        };
        self.library.exchange(&asked, "")
    }
}

/// Returns what a line costs in its own currency.
fn net(line: &Line, percent: Option<Decimal>) -> Result<PricedLine, (Code, String)> {
    let currency = line.unit_price.currency;
    let decimals = currency.decimals().unwrap_or_default();
    let too_large = || (Code::AmountTooLarge, format!("the line comes to more than {AMOUNT_MAX}"));
    let part = |percent: Decimal, of: Decimal| {
        let part = of.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        Some(round(part, decimals))
    };
    let gross = line.quantity.0.checked_mul(line.unit_price.amount.0);
    let gross = gross.filter(|gross| *gross <= AMOUNT_MAX).ok_or_else(too_large)?;
    let gross = round(gross, decimals);
    let money = Money { amount: gross.into(), currency };
    let (price, rate) = (None, None);
    if line.gift {
        let net = round(Decimal::ZERO, decimals).into();
        return Ok(PricedLine { gross: money, discount: money.amount, net, price, rate });
    }
    let own = match line.discount {
        None => Decimal::ZERO,
        Some(Discount::Amount(amount)) => amount.0,
        Some(Discount::Percent(percent)) => part(percent.0, gross).ok_or_else(too_large)?,
    };
    let left = gross.checked_sub(own).ok_or_else(too_large)?;
    let common = match percent {
        None => Decimal::ZERO,
        Some(percent) => part(percent, left).ok_or_else(too_large)?,
    };
    let net = round(left.checked_sub(common).ok_or_else(too_large)?, decimals);
    if net <= Decimal::ZERO {
        let message = format!(
            "{money} less the discount leaves {net} {currency}, which is no price; \
             if it is given, say 'gift': true and its worth"
        );
        let code = if net.is_zero() { Code::PriceZero } else { Code::DiscountTooLarge };
        return Err((code, message));
    }
    let discount = round(gross.checked_sub(net).ok_or_else(too_large)?, decimals).into();
    Ok(PricedLine { gross: money, discount, net: net.into(), price, rate })
}
