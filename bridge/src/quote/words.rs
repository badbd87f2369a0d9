//! The words on a printed quote. They belong to the layout of snapshots `upturn-quote-1`: a quote that
//! was sent is shown again byte for byte, so these are not changed; a new layout gets new ones.

use upturn_core::quote::charge::{ChargeKind, LevyKind};
use upturn_core::quote::destination::{ImportTax, Valuation};
use upturn_core::quote::priced::{CostKind, Status};

/// The words in one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) quote: &'static str,
    pub(super) made_on: &'static str,
    pub(super) valid_until: &'static str,
    pub(super) seller: &'static str,
    pub(super) buyer: &'static str,
    pub(super) route: &'static str,
    pub(super) lines: &'static str,
    pub(super) article: &'static str,
    pub(super) quantity: &'static str,
    pub(super) unit_price: &'static str,
    pub(super) discount: &'static str,
    pub(super) net: &'static str,
    pub(super) price: &'static str,
    pub(super) gift: &'static str,
    pub(super) by_term: &'static str,
    pub(super) goods: &'static str,
    pub(super) total: &'static str,
    pub(super) without_tax: &'static str,
    pub(super) status: &'static str,
    pub(super) not_included: &'static str,
    pub(super) importer: &'static str,
    pub(super) sources: &'static str,
    pub(super) amount: &'static str,
    pub(super) rate: &'static str,
    pub(super) rule: &'static str,
    pub(super) levied_on: &'static str,
    pub(super) in_duty_base: &'static str,
    pub(super) in_tax_base: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    pub(super) customs: &'static str,
    pub(super) commodity: &'static str,
    pub(super) origin: &'static str,
    pub(super) carriage: &'static str,
    pub(super) customs_value: &'static str,
    pub(super) customs_rate: &'static str,
    pub(super) open: &'static str,
    pub(super) limit: &'static str,
    pub(super) excess: &'static str,
    pub(super) may_approve: &'static str,
    pub(super) choices: &'static str,
    pub(super) not_to_be_sent: &'static str,
    pub(super) rounding: &'static str,
    pub(super) digest: &'static str,
}

pub(super) const ENGLISH: Words = Words {
    code: "en",
    quote: "Quote",
    made_on: "Date",
    valid_until: "Valid until",
    seller: "Seller",
    buyer: "Buyer",
    route: "Route",
    lines: "Lines",
    article: "Article",
    quantity: "Quantity",
    unit_price: "Unit price",
    discount: "Discount",
    net: "Net",
    price: "Price",
    gift: "free of charge",
    by_term: "Price by term of delivery (Incoterms 2020)",
    goods: "Goods",
    total: "Total",
    without_tax: "Without import tax",
    status: "Status",
    not_included: "not included",
    importer: "Importer of record",
    sources: "Where the figures come from",
    amount: "Amount",
    rate: "Rate, source, date",
    rule: "Rule",
    levied_on: "Levied on",
    in_duty_base: "In the duty base",
    in_tax_base: "In the tax base",
    yes: "yes",
    no: "no",
    customs: "Customs declaration",
    commodity: "Commodity",
    origin: "Origin",
    carriage: "Carriage",
    customs_value: "Customs value",
    customs_rate: "Customs rates",
    open: "What is open",
    limit: "Limit",
    excess: "Excess",
    may_approve: "May approve",
    choices: "To decide between",
    not_to_be_sent: "Not to be sent: something is open.",
    rounding: "Amounts are rounded to the currency's smallest unit, halves up. Lines are exchanged \
               together, and the rounded sum is divided among them by largest remainders, so that no \
               unit is lost.",
    digest: "Digest",
};

pub(super) const CHINESE: Words = Words {
    code: "zh-CN",
    quote: "报价单",
    made_on: "日期",
    valid_until: "有效期至",
    seller: "卖方",
    buyer: "买方",
    route: "运输路线",
    lines: "报价明细",
    article: "货号",
    quantity: "数量",
    unit_price: "单价",
    discount: "折扣",
    net: "净额",
    price: "价格",
    gift: "赠品",
    by_term: "各贸易术语价格（Incoterms 2020）",
    goods: "货款",
    total: "合计",
    without_tax: "不含进口税",
    status: "状态",
    not_included: "不包含",
    importer: "进口登记人",
    sources: "数字来源",
    amount: "金额",
    rate: "汇率、来源、日期",
    rule: "规则",
    levied_on: "计征基数",
    in_duty_base: "计入关税基数",
    in_tax_base: "计入进口税基数",
    yes: "是",
    no: "否",
    customs: "报关",
    commodity: "商品编码",
    origin: "原产地",
    carriage: "运费分摊",
    customs_value: "完税价格",
    customs_rate: "海关汇率",
    open: "待处理事项",
    limit: "限额",
    excess: "超出",
    may_approve: "可审批人",
    choices: "可选项",
    not_to_be_sent: "不可发出：尚有待处理事项。",
    rounding: "金额按币种最小单位四舍五入。各行合并换算，取整后的总额按最大余数法分摊，分毫不差。",
    digest: "摘要",
};

impl Words {
    fn choose(&self, english: &'static str, chinese: &'static str) -> &'static str {
        if self.code == ENGLISH.code { english } else { chinese }
    }

    pub(super) fn cost(&self, kind: CostKind) -> &'static str {
        match kind {
            CostKind::Charge(ChargeKind::PreCarriage) => self.choose("Pre-carriage", "前段运输"),
            CostKind::Charge(ChargeKind::ExportClearance) => {
                self.choose("Export clearance", "出口报关")
            }
            CostKind::Charge(ChargeKind::DepartureTerminal) => {
                self.choose("Handling at departure", "起运港费用")
            }
            CostKind::Charge(ChargeKind::MainFreight) => {
                self.choose("Freight to the border", "主运费（至关境）")
            }
            CostKind::Charge(ChargeKind::Insurance) => self.choose("Insurance", "保险费"),
            CostKind::Charge(ChargeKind::ArrivalTerminal) => {
                self.choose("Handling at arrival", "目的港费用")
            }
            CostKind::Charge(ChargeKind::OnCarriage) => {
                self.choose("Freight within the destination", "境内运费")
            }
            CostKind::Charge(ChargeKind::ImportClearance) => {
                self.choose("Import clearance", "进口报关")
            }
            CostKind::Levy(LevyKind::Duty) => self.choose("Duty", "关税"),
            CostKind::Levy(LevyKind::Excise) => self.choose("Excise", "消费税"),
            CostKind::Levy(LevyKind::Vat) => self.choose("Import VAT", "进口增值税"),
        }
    }

    pub(super) fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Priced => self.choose("may go out", "可发出"),
            Status::Blocked => self.choose("blocked", "已拦截"),
            Status::Refused => self.choose("refused", "不适用"),
            Status::NeedsPerson => self.choose("needs a person", "需人工决定"),
        }
    }

    pub(super) fn valuation(&self, valuation: Valuation) -> &'static str {
        match valuation {
            Valuation::Cif => self.choose("valued at CIF", "按 CIF 估价"),
            Valuation::Fob => self.choose("valued at FOB", "按 FOB 估价"),
        }
    }

    pub(super) fn tax(&self, tax: ImportTax) -> &'static str {
        match tax {
            ImportTax::WithCarriage => {
                self.choose("taxed with carriage to the destination", "进口税基数含境内运费")
            }
            ImportTax::WithoutCarriage => {
                self.choose("taxed on customs value and duty", "进口税基数为完税价格加关税")
            }
            ImportTax::None => self.choose("no tax on imports", "无进口税"),
        }
    }
}
