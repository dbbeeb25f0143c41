"""Text and bytes that a de-identified data set keeps: written lists, so that all else goes.

The basic profile's table removes what it names. Other attributes of these representations can hold
anything that somebody typed (labels, comments, calibration notes), so they stay only from here.
"""

from __future__ import annotations

# LO and SH: how the images were made and what codes mean.
KEPT_TEXT = frozenset(
    {
        "AcquisitionMode", "AlgorithmName", "AlgorithmVersion", "AttenuationCorrectionMethod",
        "CardiacFramingType", "CodeMeaning", "CodeValue", "CodingSchemeDesignator",
        "CodingSchemeVersion", "CollimatorGridName", "ContrastBolusRoute",
        "DetectorLinesOfResponseUsed", "DetectorManufacturerModelName",
        "DetectorManufacturerName", "EnergyWindowName", "FilterType", "ImagedNucleus",
        "Manufacturer", "ManufacturerModelName", "MappingResourceName", "ModalityLUTType",
        "PVCRejection", "PhosphorType", "PlateType", "PositionReferenceIndicator",
        "PulseSequenceName", "Radionuclide", "Radiopharmaceutical", "RadiopharmaceuticalRoute",
        "ReceiveCoilManufacturerName", "ReceiveCoilName", "ReconstructionMethod", "RescaleType",
        "ScatterCorrectionMethod", "SegmentAlgorithmName", "SegmentLabel", "SequenceName",
        "SoftwareVersions", "StackID", "TransmitCoilManufacturerName", "TransmitCoilName",
        "TypeOfFilters", "ViewName",
    }
)  # fmt: skip
# OB and OW: pixels, and the tables to show them with.
KEPT_BYTES = frozenset(
    {
        "BluePaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "LUTData",
        "PixelData", "RedPaletteColorLookupTableData",
        "SegmentedBluePaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
        "SegmentedRedPaletteColorLookupTableData",
    }
)  # fmt: skip
