"""Canadian, Brazilian, Mexican, Argentine, Chilean, South African, Nigerian, Israeli numbers. Sources: the registries' own descriptions, as python-stdnum cites them."""

from __future__ import annotations

from stdnum.ar import cuit
from stdnum.br import cnpj, cpf
from stdnum.ca import sin
from stdnum.cl import rut
from stdnum.il import idnr as il_idnr
from stdnum.mx import curp
from stdnum.za import idnr

from addons.masks.detectors.kinds import anything, digits, letters, words

_SIN = words("sin", "social insurance", "social insurance number", "nas", "canadian")
_CPF = words("cpf", "cadastro de pessoas físicas")
_CNPJ = words("cnpj")
_CURP = words("curp")
_CUIT = words("cuit", "cuil")
_RUT = words("rut", "run")
_ZA = words("id number", "south african", "identity number", "sa id", "rsa id")
_NIN = words("nin", "national identification number", "nimc", "nigerian", "national identity")
_PLATE = words("plate", "vehicle", "registration", "number plate", "license plate", "frsc", "car")
_IL = words("teudat zehut", "תעודת זהות", "israeli id", "ת.ז.", "ת״ז")

DETECTORS = (
    digits(
        "CA_SIN",
        r"[1-79][0-9]{2}(?P<sep>[ \-])[0-9]{3}(?P=sep)[0-9]{3}",
        sin.is_valid,
        _SIN,
        bare=0.5,
        near=0.95,
        alone=0.72,
        shapes=("000 000 000", "000-000-000"),
    ),
    digits("CA_SIN", r"[1-79][0-9]{8}", sin.is_valid, _SIN, near=0.9, alone=0.55),
    digits(
        "BR_CPF",
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
        cpf.is_valid,
        _CPF,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("000.000.000-00",),
    ),
    digits("BR_CPF", r"[0-9]{11}", cpf.is_valid, _CPF, near=0.95, alone=0.56),
    digits(
        "BR_CNPJ",
        r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}/[0-9]{4}-[0-9]{2}",
        cnpj.is_valid,
        _CNPJ,
        bare=0.7,
        near=0.95,
        alone=0.9,
        shapes=("000/0000-00",),
    ),
    letters(
        "MX_CURP",
        r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9]",
        lambda value: bool(curp.is_valid(value)),
        _CURP,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("AAAA000000A",),
    ),
    digits(
        "AR_CUIT",
        r"(?:2[034-7]|3[034])-[0-9]{8}-[0-9]",
        cuit.is_valid,
        _CUIT,
        bare=0.6,
        near=0.95,
        alone=0.8,
        shapes=("00-00000000-0",),
    ),
    digits(
        "CL_RUT",
        r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]",
        lambda value: bool(rut.is_valid(value)),
        _RUT,
        bare=0.7,
        near=0.95,
        alone=0.8,
        shapes=(".000.000-",),
    ),
    digits(
        "ZA_ID_NUMBER",
        r"[0-9]{2}[01][0-9][0-3][0-9]{5}[012][0-9]{2}",
        idnr.is_valid,
        _ZA,
        bare=0.45,
        near=0.95,
        alone=0.69,
    ),
    digits("NG_NIN", r"[0-9]{11}", anything, _NIN, near=0.8, alone=0.0),
    letters("NG_VEHICLE_REGISTRATION", r"[A-Z]{3}[ \-]?[0-9]{3}[ \-]?[A-Z]{2}", anything, _PLATE, near=0.65, alone=0.5),
    digits("IL_ID", r"[0-9]{9}", il_idnr.is_valid, _IL, near=0.9, alone=0.0),
)
