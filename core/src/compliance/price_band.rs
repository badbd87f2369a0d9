//! Price bands: how low each role may go with each product in each currency.
//!
//! **What it does** compares the net price of a line, after discounts and gifts and before tax and
//! freight, with the role's floor; gifts have a limit of their own.
//! **When it fires** at a price so far below the floor that the tolerance is reached.
//! **Example** `deploy/compliance/price-bands.toml`.
//! **Settings** [`PriceBands`].

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::money::exact::Exact;

/// A document of price bands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn price bands")]
pub struct PriceBands {
    /// Its identity, stable over its versions.
    pub id: String,
    /// `price-band`.
    pub kind: PriceBandKind,
    /// How far below the floor a price may be, in percent. Default: 3.
    #[serde(default = "three")]
    pub tolerance_percent: Exact,
    /// What becomes of a price that is exactly so far below. Default: it is blocked.
    #[serde(default)]
    pub at_tolerance: AtTolerance,
    /// What the excess is a part of. Default: the floor.
    #[serde(default)]
    pub base: Base,
    /// What becomes of a product without a band. Default: it is blocked.
    #[serde(default)]
    pub unlisted: Unlisted,
    /// What gifts may be worth at most, in percent of what is sold. Default: they are limited by the
    /// bands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gifts_max_percent: Option<Exact>,
    /// The bands.
    pub band: Vec<Band>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PriceBandKind {
    /// Price bands.
    PriceBand,
}

/// The lowest price of a product for a role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The role: `seller`.
    pub role: String,
    /// The product.
    pub product: String,
    /// The currency.
    pub currency: Currency,
    /// The lowest price of one that the role may offer without any tolerance; above 0.
    pub floor: Exact,
}

/// What becomes of a price exactly at the tolerance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AtTolerance {
    /// It is blocked: 3 % or more.
    #[default]
    Blocks,
    /// It may go out: more than 3 % is blocked.
    Passes,
}

/// What an excess is a part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// The floor.
    #[default]
    Floor,
    /// The price before discounts.
    List,
}

/// What becomes of a product without a band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unlisted {
    /// It is blocked.
    #[default]
    Blocks,
    /// It may go out at any price.
    Passes,
}

fn three() -> Exact {
    Exact(Decimal::from(3))
}

/// A line as it is offered.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Who offers it.
    pub role: &'a str,
    /// The product.
    pub product: &'a str,
    /// The currency.
    pub currency: Currency,
    /// How many; above 0.
    pub quantity: Decimal,
    /// The price of one before discounts; above 0.
    pub list: Decimal,
    /// What all of them bring, after discounts and gifts.
    pub net: Decimal,
}

/// What is said of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At or above the floor.
    Within,
    /// Below it, and within the tolerance.
    Tolerated(Excess),
    /// Below it, and beyond the tolerance.
    Below(Excess),
    /// There is no band, and that blocks.
    Unlisted,
}

/// How far a price is below the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The floor for one.
    pub floor: Decimal,
    /// What one brings, with at most 10 decimals.
    pub unit_net: Decimal,
    /// How far it is below, in percent, with at most 10 decimals.
    pub percent: Decimal,
}

impl PriceBands {
    /// Judges a line. What is reckoned beyond 28 digits counts as below.
    pub fn judge(&self, offered: &Offered<'_>) -> Verdict {
        let band = self.band.iter().find(|band| {
            band.role == offered.role
                && band.product == offered.product
                && band.currency == offered.currency
        });
        let Some(band) = band else {
            return match self.unlisted {
                Unlisted::Blocks => Verdict::Unlisted,
                Unlisted::Passes => Verdict::Within,
            };
        };
        let floor = band.floor.0;
        let base = match self.base {
            Base::Floor => floor,
            Base::List => offered.list,
        };
        // Everything for the whole line, so that nothing is divided before it is compared.
        let short = floor
            .checked_mul(offered.quantity)
            .and_then(|floor| floor.checked_sub(offered.net))
            .and_then(|short| short.checked_mul(Decimal::ONE_HUNDRED));
        let whole = base.checked_mul(offered.quantity);
        let limit = whole.and_then(|whole| whole.checked_mul(self.tolerance_percent.0));
        let (Some(short), Some(whole), Some(limit)) = (short, whole, limit) else {
            return Verdict::Below(Excess {
                floor,
                unit_net: Decimal::ZERO,
                percent: Decimal::MAX,
            });
        };
        if short <= Decimal::ZERO {
            return Verdict::Within;
        }
        let shown = |over: Decimal, under: Decimal| {
            over.checked_div(under).unwrap_or(Decimal::MAX).round_dp(10).normalize()
        };
        let unit_net = shown(offered.net, offered.quantity);
        let excess = Excess { floor, unit_net, percent: shown(short, whole) };
        let is_beyond = match self.at_tolerance {
            AtTolerance::Blocks => limit <= short,
            AtTolerance::Passes => limit < short,
        };
        if is_beyond { Verdict::Below(excess) } else { Verdict::Tolerated(excess) }
    }

    /// Returns how many percent of what is sold gifts are worth, where that is above their limit.
    pub fn gifts_beyond(&self, worth: Decimal, sold: Decimal) -> Option<Decimal> {
        let limit = self.gifts_max_percent?.0;
        let part = worth.checked_mul(Decimal::ONE_HUNDRED)?;
        let allowed = sold.checked_mul(limit)?;
        let percent = part.checked_div(sold).unwrap_or(Decimal::MAX);
        (allowed < part).then(|| percent.round_dp(10).normalize())
    }
}

/// Returns the JSON Schema of such documents as text that ends with a newline.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(PriceBands).to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bands(more: &str) -> PriceBands {
        let text = format!(
            "id = \"bands\"\nkind = \"price-band\"\n{more}\n[[band]]\nrole = \"seller\"\n\
             product = \"pump\"\ncurrency = \"CNY\"\nfloor = \"1000\"\n"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_price_is_judged_by_how_far_it_is_below_the_floor() {
        let blocks = "";
        let passes = "at_tolerance = \"passes\"";
        let by_list = "base = \"list\"";
        let cases = [
            ("at the floor", blocks, "1", "1000", "within"),
            ("above it", blocks, "1", "1200", "within"),
            ("2 % below", blocks, "1", "980", "tolerated 2"),
            ("a hair under 3 %", blocks, "1", "970.01", "tolerated 2.999"),
            ("exactly 3.000 % blocks", blocks, "1", "970.00", "below 3"),
            ("exactly 3.000 % passes where it may", passes, "1", "970.00", "tolerated 3"),
            ("a hair over does not", passes, "1", "969.99", "below 3.001"),
            ("4 % below", blocks, "1", "960", "below 4"),
            ("of three", blocks, "3", "2910", "below 3"),
            ("of three, no third is lost", passes, "3", "2910", "tolerated 3"),
            ("a part of the list price", by_list, "1", "970", "tolerated 1.5"),
            ("without tolerance", "tolerance_percent = 0", "1", "999.99", "below 0.001"),
        ];
        for (name, settings, quantity, net, expected) in cases {
            let offered = Offered {
                role: "seller",
                product: "pump",
                currency: Currency::CNY,
                quantity: quantity.parse().unwrap(),
                list: Decimal::from(2000),
                net: net.parse().unwrap(),
            };
            let verdict = match bands(settings).judge(&offered) {
                Verdict::Within => "within".to_owned(),
                Verdict::Tolerated(excess) => format!("tolerated {}", excess.percent),
                Verdict::Below(excess) => format!("below {}", excess.percent),
                Verdict::Unlisted => "unlisted".to_owned(),
            };
            assert_eq!(verdict, expected, "case: {name}");
        }
    }

    #[test]
    fn a_product_without_a_band_is_blocked_unless_the_document_says_otherwise() {
        for (settings, expected) in
            [("", Verdict::Unlisted), ("unlisted = \"passes\"", Verdict::Within)]
        {
            let offered = Offered {
                role: "seller",
                product: "hose",
                currency: Currency::CNY,
                quantity: Decimal::ONE,
                list: Decimal::TEN,
                net: Decimal::ONE,
            };
            assert_eq!(bands(settings).judge(&offered), expected, "case: {settings}");
        }
    }

    #[test]
    fn gifts_have_a_limit_of_their_own() {
        let bands = bands("gifts_max_percent = \"5\"");
        let gifts = |worth: i64| {
            bands.gifts_beyond(worth.into(), 1000.into()).map(|percent| percent.to_string())
        };
        assert_eq!(gifts(50), None);
        assert_eq!(gifts(51).as_deref(), Some("5.1"));
    }
}
