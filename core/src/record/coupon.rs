//! Coupons and the budgets they come out of. They are imported as records are, but are none of the kinds
//! that are listed: whoever knows a coupon's code can spend it.

use super::form::Form;
use super::{Column, Kind};

/// Coupons that can be issued: the pool of a campaign.
pub static COUPON: Kind = Kind {
    name: "coupon",
    about: "A coupon that can be issued once.",
    key: &["campaign", "code"],
    columns: &[
        Column::always("campaign", Form::Id, "The campaign whose pool it is in"),
        Column::always("code", Form::Id, "What the customer shows or types in"),
        Column::always("value", Form::Money, "What it is worth"),
        Column::always("currency", Form::Currency, "The value's currency"),
        Column::always("expires_on", Form::Day, "The last day it can be spent"),
    ],
};

/// What a campaign may give away in a month.
pub static BUDGET: Kind = Kind {
    name: "coupon-budget",
    about: "What the coupons of a campaign may be worth together in a month.",
    key: &["campaign"],
    columns: &[
        Column::always("campaign", Form::Id, "The campaign"),
        Column::always("amount", Form::Money, "The most in a calendar month"),
        Column::always("currency", Form::Currency, "The amount's currency"),
    ],
};
