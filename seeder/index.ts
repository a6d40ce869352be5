export { runSeeder, type Seeder, type SeederOptions } from "./seeder.ts";
