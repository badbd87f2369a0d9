//! Whether a seller may offer these prices, by the house's policy, and whether somebody allowed it.

use rust_decimal::Decimal;

use super::priced::PricedLine;
use super::problem::{Breach, Code, Problem};
use super::request::Request;
use super::snapshot::content;
use crate::compliance::approval::{Approvers, Asked, Refusal};
use crate::compliance::policy::Policy;
use crate::compliance::price_band::{Excess, Offered, PriceBands, Verdict};
use crate::money::{Currency, Money};

/// Returns what is beyond the seller's authority and not allowed by an approval.
///
/// `exchange` gives an amount in another currency at the quote's daily rate, where there is one. Where
/// prices cannot be compared for want of a rate, the quote is blocked for that already.
pub(super) fn check(
    policy: &Policy,
    request: &Request,
    lines: &[PricedLine],
    exchange: impl Fn(Money, Currency) -> Option<Decimal>,
) -> Vec<Problem> {
    let Some(bands) = &policy.bands else { return Vec::new() };
    let Some(role) = request.seller.role.as_deref() else {
        let message = format!(
            "price bands are in force ('{}') and the seller has no role; give it",
            bands.id
        );
        return vec![Problem::new(Code::PriceBandMissing, "/seller/role", message)];
    };
    let Some((sold, worth)) = sums(request, lines, &exchange) else { return Vec::new() };
    let mut problems = Vec::new();
    for (index, (line, priced)) in request.lines.iter().zip(lines).enumerate() {
        if line.gift {
            continue;
        }
        // Each line bears gifts by what it brings: multiplied before it is divided.
        let net = priced.net.0;
        let given = net.checked_mul(worth).and_then(|part| part.checked_div(sold));
        let offered = Offered {
            role,
            product: line.product.as_deref().unwrap_or(&line.article),
            currency: priced.gross.currency,
            quantity: line.quantity.0,
            list: line.unit_price.amount.0,
            net: net.saturating_sub(given.unwrap_or(net)),
        };
        let at = format!("/lines/{index}/unit_price");
        match bands.judge(&offered) {
            Verdict::Within | Verdict::Tolerated(_) => {}
            Verdict::Below(excess) => problems.push(below(bands, &offered, &excess, at)),
            Verdict::Unlisted => problems.push(unlisted(bands, &offered, at)),
        }
    }
    if let Some(percent) = bands.gifts_beyond(worth, sold) {
        let limit = bands.gifts_max_percent.unwrap_or_default();
        let message = format!(
            "gifts are worth {percent} % of what is sold, above {limit} %; give less, or ask for \
             approval"
        );
        let mut problem = Problem::new(Code::GiftsBeyondLimit, "/lines", message);
        problem.breach = Some(Box::new(Breach {
            rule: format!("{}/gifts", bands.id),
            limit: format!("{limit} %"),
            offered: format!("{percent} %"),
            excess_percent: percent.saturating_sub(limit.0).to_string(),
            may_approve: Vec::new(),
        }));
        problems.push(problem);
    }
    if problems.is_empty() {
        return problems;
    }
    let Some(approvers) = &policy.approvers else { return problems };
    let total = Money { amount: sold.into(), currency: request.currency };
    let amount = exchange(total, approvers.currency);
    allow(approvers, request, amount, problems)
}

/// Returns how far below its floor each line is that the bands tolerate, in percent, gifts left out of
/// account where they are in other currencies.
pub(super) fn tolerated(
    bands: &PriceBands,
    request: &Request,
    lines: &[PricedLine],
) -> Vec<Decimal> {
    let Some(role) = request.seller.role.as_deref() else { return Vec::new() };
    let same = |money: Money, to: Currency| (money.currency == to).then_some(money.amount.0);
    let (sold, worth) = sums(request, lines, &same).unwrap_or_default();
    let judged = request.lines.iter().zip(lines).filter(|(line, _)| !line.gift);
    let used = judged.filter_map(|(line, priced)| {
        let given = priced.net.0.checked_mul(worth).and_then(|part| part.checked_div(sold));
        let offered = Offered {
            role,
            product: line.product.as_deref().unwrap_or(&line.article),
            currency: priced.gross.currency,
            quantity: line.quantity.0,
            list: line.unit_price.amount.0,
            net: priced.net.0.saturating_sub(given.unwrap_or_default()),
        };
        match bands.judge(&offered) {
            Verdict::Tolerated(excess) => Some(excess.percent),
            Verdict::Within | Verdict::Below(_) | Verdict::Unlisted => None,
        }
    });
    used.collect()
}

/// Returns what is sold and what gifts are worth, in the quote's currency.
fn sums(
    request: &Request,
    lines: &[PricedLine],
    exchange: &impl Fn(Money, Currency) -> Option<Decimal>,
) -> Option<(Decimal, Decimal)> {
    let (mut sold, mut worth) = (Decimal::ZERO, Decimal::ZERO);
    for (line, priced) in request.lines.iter().zip(lines) {
        sold = sold.checked_add(priced.price?.0)?;
        if line.gift {
            worth = worth.checked_add(exchange(priced.gross, request.currency)?)?;
        }
    }
    Some((sold, worth))
}

fn below(bands: &PriceBands, offered: &Offered<'_>, excess: &Excess, at: String) -> Problem {
    let Offered { role, product, currency, .. } = offered;
    let Excess { floor, unit_net, percent } = excess;
    let rule = format!("{}/{role}/{product}/{currency}", bands.id);
    let tolerance = bands.tolerance_percent;
    let message = format!(
        "{unit_net} {currency} for one '{product}', after discounts and gifts, is {percent} % below \
         the floor of {floor} {currency} for the role '{role}', where {tolerance} % is tolerated; \
         raise it, or ask for approval"
    );
    let mut problem = Problem::new(Code::PriceBelowAuthority, at, message);
    problem.breach = Some(Box::new(Breach {
        rule,
        limit: format!("{floor} {currency} less {tolerance} %"),
        offered: format!("{unit_net} {currency}"),
        excess_percent: percent.to_string(),
        may_approve: Vec::new(),
    }));
    problem
}

fn unlisted(bands: &PriceBands, offered: &Offered<'_>, at: String) -> Problem {
    let Offered { role, product, currency, .. } = offered;
    let message = format!(
        "'{}' has no band for role '{role}', product '{product}' and {currency}; add one, or ask for \
         approval",
        bands.id
    );
    Problem::new(Code::PriceBandMissing, at, message)
}

/// Returns nothing where an approval counts; else `problems` with who may approve, and why the
/// approvals that there are do not count.
fn allow(
    approvers: &Approvers,
    request: &Request,
    amount: Option<Decimal>,
    mut problems: Vec<Problem>,
) -> Vec<Problem> {
    let content = content(request);
    let person = &*request.seller.person;
    let asked = Asked { content: &content, person, amount, day: request.date };
    let mut refused = Vec::new();
    for (index, approval) in request.approvals.iter().enumerate() {
        let Err(refusal) = approvers.judge(approval, &asked) else { return Vec::new() };
        let code = match refusal {
            Refusal::Void { .. } | Refusal::Decided { .. } => Code::ApprovalVoid,
            Refusal::Expired { .. } => Code::ApprovalExpired,
            Refusal::NotDue { .. } => Code::ApprovalNotDue,
            Refusal::Own { .. } => Code::ApprovalOwn,
            Refusal::NoAuthority { .. } => Code::ApproverUnknown,
        };
        refused.push(Problem::new(code, format!("/approvals/{index}"), refusal.to_string()));
    }
    let who = approvers.who(amount, request.date, person);
    for problem in &mut problems {
        if let Some(breach) = &mut problem.breach {
            breach.may_approve.clone_from(&who);
        }
    }
    problems.extend(refused);
    problems
}
