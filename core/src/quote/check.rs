//! What is wrong with a request, before anything is priced.

use rust_decimal::Decimal;

use super::problem::{Code, Problem};
use super::request::{Discount, Line, Request};
use crate::money::{Currency, Money};

/// The most lines of a quote.
const LINES_MAX: usize = 500;
/// The most costs on the way.
const CHARGES_MAX: usize = 100;
/// The longest text, in bytes.
const TEXT_MAX: usize = 2000;
/// The largest amount or quantity: a thousand billions.
pub(super) const AMOUNT_MAX: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// Returns everything that is wrong with `request`.
pub(super) fn check(request: &Request) -> Vec<Problem> {
    let mut desk = Desk { problems: Vec::new() };
    if request.valid_until < request.date {
        let (from, until) = (request.date, request.valid_until);
        let message = format!("the quote of {from} would have ended on {until} already");
        desk.refuse(Code::ValidityBackwards, "/valid_until", message);
    }
    desk.currency(request.currency, "/currency");
    desk.count(request.lines.len(), LINES_MAX, "/lines");
    desk.count(request.terms.len(), usize::MAX, "/terms");
    if CHARGES_MAX < request.charges.len() {
        desk.count(request.charges.len(), CHARGES_MAX, "/charges");
    }
    for (text, at) in [
        (&request.id, "/id"),
        (&request.seller.person, "/seller/person"),
        (&request.seller.company, "/seller/company"),
        (&request.buyer.company, "/buyer/company"),
        (&request.route.from, "/route/from"),
        (&request.route.to.place, "/route/to/place"),
    ] {
        desk.text(text, at);
    }
    if let Some(percent) = request.discount_percent {
        desk.percent(percent.0, "/discount_percent");
    }
    for (index, line) in request.lines.iter().enumerate() {
        desk.line(line, &format!("/lines/{index}"));
    }
    for (index, charge) in request.charges.iter().enumerate() {
        let at = format!("/charges/{index}");
        desk.money(charge.amount, &format!("{at}/amount"));
        if charge.in_duty_base == Some(true) && charge.in_vat_base == Some(false) {
            let message =
                "what duty is levied on is taxed, too: say 'in_vat_base': true, or nothing";
            desk.refuse(Code::BaseContradiction, &at, message.to_owned());
        }
    }
    desk.problems
}

struct Desk {
    problems: Vec<Problem>,
}

impl Desk {
    fn refuse(&mut self, code: Code, at: &str, message: String) {
        self.problems.push(Problem::new(code, at, message));
    }

    fn count(&mut self, count: usize, max: usize, at: &str) {
        if count == 0 {
            self.refuse(
                Code::ListEmpty,
                at,
                "there is nothing in it; give at least one".to_owned(),
            );
        } else if max < count {
            let message = format!("there are {count}; a quote has at most {max}");
            self.refuse(Code::TextTooLong, at, message);
        }
    }

    fn text(&mut self, text: &str, at: &str) {
        if text.trim().is_empty() {
            self.refuse(Code::ListEmpty, at, "it is empty; say what it is".to_owned());
        } else if TEXT_MAX < text.len() {
            let message = format!("it has {} bytes; at most {TEXT_MAX} are taken", text.len());
            self.refuse(Code::TextTooLong, at, message);
        }
    }

    fn percent(&mut self, percent: Decimal, at: &str) {
        if percent < Decimal::ZERO {
            let message = format!("a discount of {percent} % would raise the price; leave it out");
            self.refuse(Code::AmountNegative, at, message);
        } else if Decimal::ONE_HUNDRED <= percent {
            let message =
                format!("{percent} % leaves no price; less than 100, or say that it is a gift");
            self.refuse(Code::DiscountTooLarge, at, message);
        }
    }

    /// Returns how many decimals the currency has, and refuses one that nobody pays in.
    fn currency(&mut self, currency: Currency, at: &str) -> Option<u32> {
        let decimals = currency.decimals();
        if decimals.is_none() {
            let message =
                format!("{currency} is no currency that people pay in; use a code of ISO 4217");
            self.refuse(Code::CurrencyUnknown, at, message);
        }
        decimals
    }

    /// Checks an amount that is paid as it is.
    fn money(&mut self, money: Money, at: &str) {
        let decimals = self.currency(money.currency, at);
        let amount = money.amount.0;
        if amount < Decimal::ZERO {
            self.refuse(Code::AmountNegative, at, format!("{money} is below 0; leave it out"));
        } else if AMOUNT_MAX < amount {
            self.refuse(Code::AmountTooLarge, at, format!("{money} is above {AMOUNT_MAX}"));
        } else if let Some(decimals) = decimals.filter(|max| *max < amount.normalize().scale()) {
            let message = format!(
                "{money} has more than {decimals} decimals, and rounding it would lose the rest; \
                 round it yourself"
            );
            self.refuse(Code::DigitsTooMany, at, message);
        }
    }

    fn line(&mut self, line: &Line, at: &str) {
        self.text(&line.article, &format!("{at}/article"));
        if TEXT_MAX < line.description.len() {
            self.text(&line.description, &format!("{at}/description"));
        }
        let quantity = line.quantity.0;
        if quantity <= Decimal::ZERO {
            let message = format!("a quantity of {quantity} sells nothing; it is above 0");
            self.refuse(Code::QuantityNotPositive, &format!("{at}/quantity"), message);
        } else if AMOUNT_MAX < quantity {
            let message = format!("a quantity of {quantity} is above {AMOUNT_MAX}");
            self.refuse(Code::AmountTooLarge, &format!("{at}/quantity"), message);
        }
        let place = format!("{at}/unit_price");
        self.currency(line.unit_price.currency, &place);
        let price = line.unit_price.amount.0;
        if price.is_zero() {
            let message =
                "a price of 0 is no price; if it is given, say 'gift': true and its worth";
            self.refuse(Code::PriceZero, &place, message.to_owned());
        } else if price < Decimal::ZERO {
            self.refuse(Code::AmountNegative, &place, format!("{price} is below 0"));
        } else if AMOUNT_MAX < price {
            self.refuse(Code::AmountTooLarge, &place, format!("{price} is above {AMOUNT_MAX}"));
        }
        let at = format!("{at}/discount");
        match line.discount {
            Some(_) if line.gift => {
                let message = "a gift is given whole; leave its discount out".to_owned();
                self.refuse(Code::DiscountTooLarge, &at, message);
            }
            Some(Discount::Percent(percent)) => self.percent(percent.0, &at),
            Some(Discount::Amount(amount)) => {
                self.money(Money { amount, currency: line.unit_price.currency }, &at);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_amount_is_what_it_says() {
        assert_eq!(AMOUNT_MAX.to_string(), "1000000000000000");
    }
}
