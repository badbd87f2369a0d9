//! `upturn schema`: prints the JSON Schema of a document.

use std::io::{self, Write};

use upturn_core::compliance::{approval, delivery_risk, price_band, process};
use upturn_core::lead::{grade, route, score, sla};
use upturn_core::quote::request;
use upturn_core::rule::document;
use upturn_core::stock::stocking;

use crate::{delivery, feeds};

/// Prints the JSON Schema of a document, for editors.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Which document.
    #[arg(value_enum)]
    document: Document,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Document {
    /// A rule.
    Rule,
    /// A destination of letters.
    Destination,
    /// A route of letters.
    Route,
    /// A feed of facts.
    Feed,
    /// A request for a quote.
    QuoteRequest,
    /// Price bands.
    PriceBand,
    /// Who may approve.
    Approval,
    /// A process.
    Process,
    /// What makes a delivery doubtful.
    DeliveryRisk,
    /// What points a lead gets for what.
    Score,
    /// What grade a score is.
    Grade,
    /// Who gets which lead.
    LeadRoute,
    /// By when somebody speaks with the customer.
    Sla,
    /// How stock is planned.
    Stocking,
}

/// Writes the schema to `out`.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> io::Result<()> {
    match args.document {
        Document::Rule => out.write_all(document::schema().as_bytes()),
        Document::Destination => out.write_all(delivery::document::destination_schema().as_bytes()),
        Document::Feed => out.write_all(feeds::document::schema().as_bytes()),
        Document::Route => out.write_all(delivery::document::route_schema().as_bytes()),
        Document::QuoteRequest => out.write_all(request::schema().as_bytes()),
        Document::PriceBand => out.write_all(price_band::schema().as_bytes()),
        Document::DeliveryRisk => out.write_all(delivery_risk::schema().as_bytes()),
        Document::Stocking => out.write_all(stocking::schema().as_bytes()),
        Document::Process => out.write_all(process::schema().as_bytes()),
        Document::Score => out.write_all(score::schema().as_bytes()),
        Document::Grade => out.write_all(grade::schema().as_bytes()),
        Document::LeadRoute => out.write_all(route::schema().as_bytes()),
        Document::Sla => out.write_all(sla::schema().as_bytes()),
        Document::Approval => out.write_all(approval::schema().as_bytes()),
    }
}
