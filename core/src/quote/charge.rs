//! What moving goods costs, and which of it is in the value that duty and tax are levied on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::destination::{ImportTax, Valuation};

/// A cost on the way, in the order of the journey.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    /// To the carrier in the country of departure.
    PreCarriage,
    /// Export formalities.
    ExportClearance,
    /// Handling at the port or terminal of departure, and loading.
    DepartureTerminal,
    /// Freight to the border of the customs territory of destination.
    MainFreight,
    /// Insurance of the transport.
    Insurance,
    /// Handling at the port or terminal of arrival.
    ArrivalTerminal,
    /// Freight within the customs territory of destination.
    OnCarriage,
    /// Import formalities: the agent's fee, not duty or tax.
    ImportClearance,
}

/// What the state levies at import.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LevyKind {
    /// Customs duty with what is added to it.
    Duty,
    /// Excise.
    Excise,
    /// Value added tax, or what the country calls its like.
    Vat,
}

impl ChargeKind {
    /// Returns its name, as requests have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreCarriage => "pre-carriage",
            Self::ExportClearance => "export-clearance",
            Self::DepartureTerminal => "departure-terminal",
            Self::MainFreight => "main-freight",
            Self::Insurance => "insurance",
            Self::ArrivalTerminal => "arrival-terminal",
            Self::OnCarriage => "on-carriage",
            Self::ImportClearance => "import-clearance",
        }
    }

    /// Tells whether it is part of the customs value where that is `valuation`.
    pub fn is_in_duty_base(self, valuation: Valuation) -> bool {
        match self {
            Self::PreCarriage | Self::ExportClearance | Self::DepartureTerminal => true,
            Self::MainFreight | Self::Insurance => valuation == Valuation::Cif,
            Self::ArrivalTerminal | Self::OnCarriage | Self::ImportClearance => false,
        }
    }

    /// Tells whether `tax` is levied on it, too.
    pub fn is_in_vat_base(self, valuation: Valuation, tax: ImportTax) -> bool {
        match tax {
            ImportTax::WithCarriage => true,
            ImportTax::WithoutCarriage => self.is_in_duty_base(valuation),
            ImportTax::None => false,
        }
    }
}

impl LevyKind {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duty => "duty",
            Self::Excise => "excise",
            Self::Vat => "vat",
        }
    }
}
