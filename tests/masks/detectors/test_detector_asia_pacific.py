"""Indian, Singaporean, Korean, Thai, Philippine, Chinese, Malaysian, Australian numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("IN_PAN", "My PAN number is ABBPM4567S with", "ABBPM4567S"),
        ("IN_AADHAAR", "Aadhaar 2341 2341 2346", "2341 2341 2346"),
        ("IN_VOTER", "voter id KSD1287349", "KSD1287349"),
        ("IN_GSTIN", "GSTIN 27AAPFU0939F1ZV", "27AAPFU0939F1ZV"),
        ("IN_PASSPORT", "my passport number is T3569075", "T3569075"),
        ("IN_VEHICLE_REGISTRATION", "vehicle KA 01 AB 1234", "KA 01 AB 1234"),
        ("SG_NRIC_FIN", "NRIC S2740116C was", "S2740116C"),
        ("SG_UEN", "UEN 00192200M", "00192200M"),
        ("KR_RRN", "주민등록번호는 900101-1234568", "900101-1234568"),
        ("KR_FRN", "외국인등록번호 900101-5234567", "900101-5234567"),
        ("KR_BRN", "사업자등록번호 116-82-00276", "116-82-00276"),
        ("KR_DRIVER_LICENSE", "운전면허 11-22-333333-44", "11-22-333333-44"),
        ("KR_PASSPORT", "여권 M12345678", "M12345678"),
        ("TH_TNIN", "Thai ID 3100600445635", "3100600445635"),
        ("PH_TIN", "My TIN is 000-123-456-000", "000-123-456-000"),
        ("AU_ABN", "51 824 753 556", "51 824 753 556"),
        ("AU_ACN", "ACN 004 085 616", "004 085 616"),
        ("AU_TFN", "tax file number 876 543 210", "876 543 210"),
        ("AU_MEDICARE", "Medicare 2123 45670 1", "2123 45670 1"),
        ("CN_ID", "身份证 11010519491231002X", "11010519491231002X"),
        ("MY_NRIC", "NRIC 770305-02-1234", "770305-02-1234"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("IN_PAN", "ABCD1234"),
        ("IN_AADHAAR", "Aadhaar 2341 2341 2347"),
        ("IN_VOTER", "part KSD1287349 in stock"),
        ("IN_GSTIN", "GSTIN 27AAPFU0939F1ZW"),
        ("IN_PASSPORT", "my passport number is T356907"),
        ("SG_NRIC_FIN", "PA12348L"),
        ("TH_TNIN", "Thai ID 3100600445636"),
        ("PH_TIN", "Invalid TIN 000-123-457-000"),
        ("AU_ABN", "52 824 753 556"),
        ("AU_TFN", "tax file number 824 753 557"),
        ("CN_ID", "110105194912310021"),
        ("CN_ID", "119999199003070019"),  # Beijing, but no county of it
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
