/** What the bridge's API answers, in its own words (see /api/v1/docs). */

export type Id = string | number;

export interface SignInAnswer {
  token: string;
  expires_at: string;
  name: string;
  roles: string[];
  /** The token opens nothing until its owner has chosen a password. */
  must_change_password?: boolean;
}

/** Known permissions; a server may know more. */
export type Permission = "upload" | "read" | "view" | (string & {});

export interface Me {
  subject: string;
  name: string;
  roles: string[];
  permissions: Permission[];
}

export interface Page<T> {
  items: T[];
  total: number;
  limit: number;
  offset: number;
}

export interface Order {
  id: Id;
  accession_number: string;
  status: string;
  mrn?: string | null;
  patient_id?: Id | null;
  patient_name?: string | null;
  modality?: string | null;
  description?: string | null;
  scheduled_at?: string | null;
  study_instance_uid?: string | null;
  number_of_series?: number | null;
  number_of_images?: number | null;
  ordered_by?: string | null;
  priority?: string | null;
}

export interface Study {
  study_instance_uid: string;
  orthanc_study_id?: string | null;
  patient_id?: Id | null;
  mrn?: string | null;
  patient_name?: string | null;
  order_id?: Id | null;
  accession_number?: string | null;
  modalities?: string[] | string | null;
  study_date?: string | null;
  study_description?: string | null;
  number_of_series?: number | null;
  number_of_instances?: number | null;
  link_status?: string | null;
  linked_by?: string | null;
  deleted_at?: string | null;
}

export interface Evidence {
  field: string;
  /** null: could not be compared. */
  agrees: boolean | null;
  detail: string;
}

export interface Match {
  kind: "exact" | "probable" | "ambiguous" | "none" | (string & {});
  score?: number | null;
  evidence: Evidence[];
  patient_id?: Id | null;
  order_id?: Id | null;
}

export interface Coercion {
  tag: string;
  before: unknown;
  after: unknown;
}

export interface InstanceOutcome {
  file_name?: string;
  sop_instance_uid?: string | null;
  study_instance_uid?: string | null;
  status: "stored" | "duplicate" | "failed";
  error?: { code: string; message: string } | null;
}

export interface StudyOutcome {
  study_instance_uid: string;
  orthanc_study_id?: string | null;
  match: Match | null;
  coerced: Coercion[];
}

export interface UploadAnswer {
  upload_id?: string;
  status: string;
  instances: InstanceOutcome[];
  studies: StudyOutcome[];
}

export interface ViewerLink {
  url: string;
  token?: string;
  expires_at?: string;
  studies?: string[];
}
