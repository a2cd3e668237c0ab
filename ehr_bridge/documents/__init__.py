"""Papers and photographs that people attach to patients and orders: what may come in, and DICOM files made of it."""
