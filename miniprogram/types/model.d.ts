/** The API's words as the pages use them; `api.d.ts` beside it is made from the server's document. */

import type { components } from './api';

type Schemas = components['schemas'];

export type Code = Schemas['CodeAnswer']['data'];
export type Finding = Schemas['PhotoAnswer']['data']['findings'][number];
export type Photo = Omit<Schemas['PhotoAnswer']['data'], 'tries_left'> & { tries_left?: number | null };
export type OpenOrder = Schemas['OrderAnswer']['data'];
export type OrderState = Schemas['OrderStateAnswer']['data'];
export type Refund = Schemas['RefundAnswer']['data'];
export type Review = NonNullable<Schemas['EnrolmentAnswer']['data']['last_review']>;
export type Login = Schemas['LoginAnswer']['data'];

/** A newer server may know steps and fields that this version does not. */
export type Enrolment = Omit<Schemas['EnrolmentAnswer']['data'], 'next_step' | 'photo' | 'order'> & {
  next_step: string;
  photo: Photo | null;
  order: { out_trade_no: string; state: string; amount_fen: number; paid_at: string | null } | null;
};

/** One consent of a student as `GET /consents` lists it. */
export type Consent = {
  key: string; enrolmentId: string; kind: string; title: string; text: string; is_given: boolean; owner: string;
};

/** One request for correction or deletion, in words. */
export type DataRequest = { id: string; title: string; text: string; answer: string; when: string };

/** An error in the words of the page that shows it. */
export type Shown = { code: string; text: string; hint: string; requestId: string; action: string; actionLabel: string };

/** What wx.request tells, for any status. */
export type Answer = { statusCode: number; data: unknown; header: Record<string, string> };

/** A chosen photo on its way from camera or album to the server. */
export type Draft = { enrolmentId: string; path: string; sizeBytes: number; source: 'camera' | 'album' };
