// Plays a modality with dcmjs-dimse, a DICOM implementation that others made: worklist, MPPS, images, storage commitment.
// Prints as JSON what it was answered: `node modality.cjs MODULES WORK`, the work as JSON.
const { createRequire } = require("node:module");
const { join } = require("node:path");

const [modules, given] = process.argv.slice(2);
const installed = createRequire(join(modules, "package.json"));
const { Client, Dataset, Scp, Server, constants, log, requests, responses } = installed("dcmjs-dimse");
const { PresentationContextResult, SopClass, Status, StorageClass, TransferSyntax } = constants;

log.setLevel("error");
const work = JSON.parse(given);
const COMMITMENT = "1.2.840.10008.1.20.1.1"; // the well-known SOP instance (PS3.4 section J.3.5)
const PATIENCE = 180_000;

/** All responses to these requests, on one association with that port. */
function ask(port, ...asked) {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const answers = [];
    for (const request of asked) {
      request.on("response", (response) => answers.push(response));
      client.addRequest(request);
    }
    for (const trouble of ["networkError", "associationRejected", "abort"]) {
      client.on(trouble, (what) => reject(new Error(`${trouble}: ${JSON.stringify(what)}`)));
    }
    client.on("closed", () => resolve(answers));
    client.send("127.0.0.1", port, work.aeTitle, "ORTHANC", { pduTimeout: PATIENCE, associationTimeout: PATIENCE });
  });
}

async function statusesOf(port, ...asked) {
  return (await ask(port, ...asked)).map((answer) => answer.getStatus());
}

async function worklist(port) {
  const keys = {
    AccessionNumber: work.accessionNumber,
    PatientBirthDate: "",
    PatientID: "",
    PatientName: "",
    PatientSex: "",
    RequestedProcedureID: "",
    ScheduledProcedureStepSequence: [{ Modality: "MR", ScheduledProcedureStepDescription: "", ScheduledProcedureStepID: "" }],
    StudyInstanceUID: "",
  };
  const answers = await ask(port, requests.CFindRequest.createWorklistFindRequest(keys));
  return answers.filter((answer) => answer.getStatus() === Status.Pending).map((answer) => answer.getDataset().getElements());
}

function withData(request, elements) {
  request.setDataset(new Dataset(elements, TransferSyntax.ImplicitVRLittleEndian));
  return request;
}

function requestOf(item) {
  const step = [item.ScheduledProcedureStepSequence].flat()[0];
  return {
    AccessionNumber: item.AccessionNumber,
    RequestedProcedureID: item.RequestedProcedureID,
    ScheduledProcedureStepID: step.ScheduledProcedureStepID,
    StudyInstanceUID: item.StudyInstanceUID,
  };
}

const personOf = ({ PatientBirthDate, PatientID, PatientName, PatientSex }) => ({
  PatientBirthDate, PatientID, PatientName: String(PatientName[0]?.Alphabetic ?? PatientName), PatientSex,
}); // prettier-ignore

const begin = (item) =>
  withData(new requests.NCreateRequest(SopClass.ModalityPerformedProcedureStep, work.stepUid), {
    ...personOf(item),
    SpecificCharacterSet: "ISO_IR 192",
    Modality: "MR",
    PerformedProcedureStepID: "PPS-1",
    PerformedProcedureStepStartDate: "20260115",
    PerformedProcedureStepStartTime: "101500",
    PerformedProcedureStepStatus: "IN PROGRESS",
    PerformedSeriesSequence: [],
    PerformedStationAETitle: work.aeTitle,
    ScheduledStepAttributesSequence: [requestOf(item)],
  });

const end = () =>
  withData(new requests.NSetRequest(SopClass.ModalityPerformedProcedureStep, work.stepUid), {
    PerformedProcedureStepEndDate: "20260115",
    PerformedProcedureStepEndTime: "103000",
    PerformedProcedureStepStatus: "COMPLETED",
    PerformedSeriesSequence: [
      {
        ProtocolName: "T1",
        SeriesInstanceUID: work.seriesUid,
        ReferencedImageSequence: work.images.map(referenced),
      },
    ],
  });

const referenced = (uid) => ({ ReferencedSOPClassUID: StorageClass.MrImageStorage, ReferencedSOPInstanceUID: uid });

const image = (item, uid) =>
  new requests.CStoreRequest(
    new Dataset(
      {
        ...personOf(item),
        SpecificCharacterSet: "ISO_IR 192",
        AccessionNumber: item.AccessionNumber,
        BitsAllocated: 8,
        BitsStored: 8,
        Columns: 4,
        HighBit: 7,
        Modality: "MR",
        PhotometricInterpretation: "MONOCHROME2",
        PixelData: [new Uint8Array(16).buffer],
        PixelRepresentation: 0,
        RequestAttributesSequence: [requestOf(item)],
        Rows: 4,
        SamplesPerPixel: 1,
        SeriesInstanceUID: work.seriesUid,
        SOPClassUID: StorageClass.MrImageStorage,
        SOPInstanceUID: uid,
        StudyDate: "20260115",
        StudyInstanceUID: item.StudyInstanceUID,
        StudyTime: "101500",
        _vrMap: { PixelData: "OW" },
      },
      TransferSyntax.ExplicitVRLittleEndian,
    ),
  );

/** What the report of a commitment says of each image: its Failure Reason, 0 for one that is safe. */
function promised() {
  return new Promise((resolve, reject) => {
    class Listening extends Scp {
      associationRequested(association) {
        for (const { id } of association.getPresentationContexts()) {
          const context = association.getPresentationContext(id);
          const syntax = context.getTransferSyntaxUids().find((uid) => uid === TransferSyntax.ImplicitVRLittleEndian || uid === TransferSyntax.ExplicitVRLittleEndian);
          context.setResult(PresentationContextResult.Accept, syntax);
        }
        this.sendAssociationAccept();
      }

      nEventReportRequest(request, callback) {
        const said = request.getDataset().getElements();
        const failed = [said.FailedSOPSequence ?? []].flat().map((one) => [one.ReferencedSOPInstanceUID, one.FailureReason]);
        const whole = [said.ReferencedSOPSequence ?? []].flat().map((one) => [one.ReferencedSOPInstanceUID, 0]);
        const response = responses.NEventReportResponse.fromRequest(request);
        response.setStatus(Status.Success);
        callback(response);
        resolve(Object.fromEntries([...whole, ...failed]));
      }

      associationReleaseRequested() {
        this.sendAssociationReleaseResponse();
      }
    }
    const server = new Server(Listening);
    server.on("networkError", reject);
    server.listen(work.ownPort);
    setTimeout(() => reject(new Error("no report of a commitment")), PATIENCE).unref();
  });
}

function commitment(...uids) {
  const request = new requests.NActionRequest(SopClass.StorageCommitmentPushModel, COMMITMENT, 1);
  return withData(request, { TransactionUID: work.transactionUid, ReferencedSOPSequence: uids.map(referenced) });
}

async function day() {
  const told = { echo: [] };
  for (const port of [work.dicomPort, work.mppsPort]) told.echo.push(...(await statusesOf(port, new requests.CEchoRequest())));
  told.worklist = [...(await worklist(work.dicomPort)), ...(await worklist(work.mppsPort))].map((item) => ({ ...requestOf(item), ...personOf(item) }));
  const [item] = await worklist(work.mppsPort);
  told.begin = await statusesOf(work.mppsPort, begin(item), begin(item));
  told.images = await statusesOf(work.dicomPort, ...work.images.map((uid) => image(item, uid)));
  told.end = await statusesOf(work.mppsPort, end(), end());
  told.afterwards = (await worklist(work.mppsPort)).length;
  const report = promised();
  told.asked = await statusesOf(work.dicomPort, commitment(...work.images, work.missing));
  told.promised = await report;
  return told;
}

day().then(
  (told) => {
    console.log(JSON.stringify(told));
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
