"""Makes the company that letters are delivered to, in a new Tryton database; prints a REST key.

Usage: tryton_company.py trytond.conf
"""
import sys

from proteus import Model, config

config.set_trytond('upturn', config_file=sys.argv[1])

from trytond.modules.company.tests.tools import create_company  # noqa: E402, needs the database


def make(model, **values):
    record = Model.get(model)(**values)
    record.save()
    return record


def one(model, *domain):
    record, = Model.get(model).find(list(domain))
    return record


create_company(party=make('party.party', name='Supplier'), currency='USD')

# Customers: one to sell to, one that was archived.
northside = make('party.party', name='Northside Charging', code='northside')
# A company has to say first which kinds of identifiers it keeps.
parties = Model.get('party.configuration')(1)
parties.identifier_types = ['cn_vat']
parties.save()
make('party.identifier', party=northside, type='cn_vat', code='91110000600037341L')
gone = make('party.party', name='Gone Away', code='gone')
gone.active = False
gone.save()

seller = make('party.party', name='Seller', code='seller')
make('company.employee', party=seller)

# A second depot, and a part that can lie in both.
depot = make('stock.location', name='West storage', code='WEST', type='storage')
unit = one('product.uom', ('name', '=', 'Unit'))
template = make('product.template', name='Ventilator', code='VENT-12', default_uom=unit, type='goods')

admin = one('res.user', ('login', '=', 'admin'))
application = make('res.user.application', user=admin, application='rest')
if application.state == 'requested':
    application.click('validate_')
print(application.key)
