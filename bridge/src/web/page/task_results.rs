//! What came of a task, as its page shows it.

use fluent_bundle::FluentValue;
use upturn_core::record::offer::{Gap, Offer, PriceLine};
use upturn_core::rule::Stage;

use super::shell::Shell;
use super::tasks::link;
use crate::store::booking::{self, Booking};
use crate::store::coupon::{self, CouponIssue};
use crate::store::task_deal::{self, TaskDeal};
use crate::store::task_view::TaskDetail;
use crate::web;
use crate::web::App;
use crate::web::calendars::{self, Unannounced};
use crate::web::deed_form::{BOOK_CONSULTANT, SEND_COUPON};
use crate::web::fault::Fault;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::visible::Visible;
use crate::web::when::Teller;

/// What came of a task.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// What is said where the holidays up to its due time are not announced.
    pub(super) guess: Option<String>,
    pub(super) deal: Option<DealShown>,
    pub(super) coupon: Option<CouponShown>,
    /// Where a coupon can be asked for, and out of which campaigns.
    pub(super) form: Option<CouponForm>,
    /// The meeting that is booked, in words.
    pub(super) booking: Option<String>,
    /// Where free hours of consultants are offered.
    pub(super) slots: Option<String>,
}

/// A coupon that went to the customer.
#[derive(Debug)]
pub(super) struct CouponShown {
    pub(super) words: String,
    /// For whoever has the task.
    pub(super) code: Option<String>,
}

/// Where a coupon can be asked for.
#[derive(Debug)]
pub(super) struct CouponForm {
    pub(super) href: String,
    pub(super) campaigns: Vec<String>,
}

/// The deal that it opened.
#[derive(Debug)]
pub(super) struct DealShown {
    pub(super) href: String,
    pub(super) name: String,
    /// Who opened it, what takes whose place, at which prices, or what is missing.
    pub(super) lines: Vec<String>,
    /// What is said where late evidence spoke against the task.
    pub(super) warning: Option<String>,
}

fn guess_words(language: Language, guess: Unannounced) -> String {
    match guess.announced_until {
        Some(until) => {
            let until = FluentValue::from(until.to_string());
            text_with(language, key!("task-due-guess"), [("until", until)])
        }
        None => text(language, key!("task-due-guess-all")),
    }
}

/// Returns what came of the task, as its reader may see it.
pub(super) async fn of_task(
    app: &App,
    shell: &Shell,
    detail: &TaskDetail,
    can_act: bool,
) -> Result<Results, Fault> {
    let (row, teller) = (&detail.row, shell.teller(app));
    let deal = task_deal::of_task(&app.store, &row.id).await?;
    let coupon = coupon::of_task(&app.store, &row.id).await?;
    let has_step = detail.steps.iter().any(|step| step == SEND_COUPON);
    let is_possible = can_act && row.status.is_open() && has_step && coupon.is_none();
    let form = if is_possible && row.stage == Stage::Live {
        let campaigns = coupon::with_budget(&app.store).await?;
        let href = format!("{}/issue-coupon", link(&row.id));
        Some(CouponForm { href, campaigns }).filter(|form| !form.campaigns.is_empty())
    } else {
        None
    };
    let booking = booking::of_task(&app.store, &row.id).await?;
    let has_step = detail.steps.iter().any(|step| step == BOOK_CONSULTANT);
    let is_bookable = can_act && row.status.is_open() && row.stage == Stage::Live && has_step;
    let is_bookable = is_bookable && booking.is_none() && web::booking::is_possible(app);
    let is_owner = shell.caller()?.id() == row.owner;
    let open = Some(row.due_at).filter(|_| row.status.is_open()).flatten();
    let guess = calendars::unannounced(app, &row.owner, open).await?;
    Ok(Results {
        guess: guess.map(|guess| guess_words(shell.language, guess)),
        deal: deal.map(|deal| shown(&teller, &deal)),
        coupon: coupon.map(|issued| coupon_shown(&teller, &issued, is_owner)),
        form,
        booking: booking.map(|booking| booking_words(app, &teller, &booking)),
        slots: is_bookable.then(|| format!("{}/slots", link(&row.id))),
    })
}

fn coupon_shown(teller: &Teller, issued: &CouponIssue, is_owner: bool) -> CouponShown {
    let coupon = &issued.coupon;
    let values = [
        ("value", FluentValue::from(coupon.value.to_string())),
        ("currency", value(coupon.currency.as_str())),
        ("campaign", value(&coupon.campaign)),
        ("contact", value(&issued.contact)),
        ("day", FluentValue::from(coupon.expires_on.to_string())),
    ];
    CouponShown {
        words: text_with(teller.language, key!("coupon-issued-note"), values),
        code: is_owner.then(|| Visible(&coupon.code).to_string()),
    }
}

fn booking_words(app: &App, teller: &Teller, booking: &Booking) -> String {
    let people = app.reloader.people();
    let name = people.get(&*booking.consultant).map(|person| &*person.name);
    let values = [
        ("who", value(name.unwrap_or(&booking.consultant))),
        ("at", FluentValue::from(teller.in_sentence(booking.span.starts_at))),
    ];
    text_with(teller.language, key!("booking-note"), values)
}

fn value(text: &str) -> FluentValue<'static> {
    FluentValue::from(Visible(text).to_string())
}

fn shown(teller: &Teller, deal: &TaskDeal) -> DealShown {
    let language = teller.language;
    let at = FluentValue::from(teller.in_sentence(deal.opened_at));
    let opened = [("at", at), ("who", value(&deal.opened_by))];
    let mut lines = vec![text_with(language, key!("deal-opened-note"), opened)];
    let Offer { product, replacement, prices, gap, .. } = &deal.offer;
    if let (Some(old), Some(new)) = (product, replacement) {
        let values = [("product", value(new)), ("old", value(old))];
        lines.push(text_with(language, key!("deal-replacement"), values));
    }
    lines.extend(gap.map(|gap| gap_words(teller, gap, &deal.offer)));
    lines.extend(prices.iter().map(|line| price_words(teller, line)));
    DealShown {
        href: crate::href::page("deals", &deal.deal),
        name: text_with(language, key!("deal-link"), [("id", value(&deal.deal))]),
        lines,
        warning: deal.contradicted_at.map(|_| text(language, key!("deal-contradicted"))),
    }
}

fn price_words(teller: &Teller, line: &PriceLine) -> String {
    let values = [
        ("price", value(&line.unit_price)),
        ("currency", value(&line.currency)),
        ("list", value(&line.list)),
        ("from", value(&line.valid_from)),
    ];
    text_with(teller.language, key!("deal-price"), values)
}

fn gap_words(teller: &Teller, gap: Gap, offer: &Offer) -> String {
    let key = match gap {
        Gap::NotInstalled => key!("deal-gap-not-installed"),
        Gap::NoReplacement => key!("deal-gap-no-replacement"),
        Gap::NoPrice => key!("deal-gap-no-price"),
        Gap::SeveralPrices => key!("deal-gap-several-prices"),
    };
    let product = offer.replacement.as_ref().or(offer.product.as_ref());
    let product = product.map_or("", String::as_str);
    text_with(teller.language, key, [("product", value(product))])
}
