//! What any engine must do: cases over [`Engine`](podlane_engine::Engine), the same for a real Podman and for the fake, so that
//! neither the fake nor our reading of an answer can drift from the real thing.
//!
//! [`conformance!`](crate::conformance!) makes a test of each case.

#![expect(
    clippy::missing_panics_doc,
    reason = "a case panics if the engine fails it; that is what it is for"
)]

mod events;
mod exec;
mod exec_refused;
mod failed_runs;
mod files;
mod finding;
mod health;
mod images;
mod kept;
mod lifecycle;
mod logs;
mod observe;
mod pods;
mod recover;
mod settings;
mod shape;
mod subject;
mod works;

pub use events::*;
pub use exec::*;
pub use exec_refused::*;
pub use failed_runs::*;
pub use files::*;
pub use finding::*;
pub use health::*;
pub use images::*;
pub use kept::*;
pub use lifecycle::*;
pub use logs::*;
pub use observe::*;
pub use pods::*;
pub use recover::*;
pub use settings::*;
pub use shape::*;
pub use subject::{Images, Subject};
pub use works::*;

/// Makes a `#[tokio::test]` of every case. The argument is a future of a [`Subject`], made anew for each.
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance! { @cases $subject;
            the_version_is_told,
            an_image_is_found_by_name_and_by_id,
            an_unknown_image_is_not_found,
            a_container_is_found_by_name_id_and_prefix,
            an_unknown_container_is_not_found_by_any_call,
            a_prefix_of_several_ids_is_refused,
            a_container_lives_and_ends,
            starting_and_stopping_twice_changes_nothing,
            a_restart_is_one_step,
            a_restart_keeps_to_the_grace,
            stopping_what_never_ran_leaves_it_so,
            an_ended_container_tells_its_exit_code,
            stopping_kills_what_ignores_it,
            a_signal_reaches_the_main_process,
            a_container_is_paused_and_goes_on,
            a_container_gets_another_name,
            removing_a_running_container_takes_force,
            removing_what_ended_or_never_ran_takes_no_force,
            a_name_in_use_is_refused,
            a_run_of_an_unknown_image_leaves_nothing,
            a_run_of_a_missing_program_leaves_nothing,
            a_run_of_what_is_not_executable_leaves_nothing,
            a_run_in_what_is_no_directory_leaves_nothing,
            a_run_as_an_unknown_user_leaves_nothing,
            a_run_on_a_taken_port_leaves_nothing,
            a_run_with_a_missing_host_path_leaves_nothing,
            a_run_without_any_command_leaves_nothing,
            two_volumes_in_one_place_are_refused,
            what_was_asked_for_comes_back,
            settings_come_back,
            a_lifespan_is_kept_to,
            settings_that_need_what_is_not_there_leave_nothing,
            free_ports_are_chosen_and_told,
            the_init_is_as_asked,
            an_image_with_an_entrypoint_gets_its_arguments,
            processes_are_told,
            changes_are_told_and_exported,
            use_is_measured,
            limits_are_changed,
            the_disk_is_measured,
            a_check_says_whether_a_container_is_well,
            what_can_not_be_checked_is_said,
            an_engine_tells_what_it_is,
            an_image_gets_names_and_loses_them,
            an_image_in_use_stays,
            a_life_is_told,
            changes_of_rows_are_told,
            a_row_is_what_a_look_tells,
            a_volume_is_kept,
            a_network_is_kept,
            a_container_joins_and_leaves_a_network,
            a_secret_is_kept,
            a_pod_is_kept,
            a_pod_is_in_its_networks,
            a_pod_lives_and_ends,
            a_pod_of_what_ended_goes,
            what_holds_a_pod_together_is_left_alone,
            a_pod_on_a_taken_port_says_so,
            a_run_in_a_missing_pod_leaves_nothing,
            a_pod_is_described,
            a_log_has_both_streams_in_order,
            the_end_of_a_log_is_enough,
            a_part_of_a_log_by_time_and_by_output,
            a_log_is_followed_to_its_end,
            a_log_tells_when_each_piece_was_written,
            a_line_without_an_end_is_in_the_log,
            a_log_that_is_empty_ends,
            an_exec_gives_output_and_code,
            an_exec_keeps_arguments_apart,
            an_exec_reads_input_to_its_end,
            an_exec_has_environment_user_and_directory,
            an_exec_streams_much_output,
            many_execs_at_once_keep_their_outputs_apart,
            an_exec_that_is_killed_leaves_nothing,
            an_exec_that_is_dropped_leaves_nothing,
            an_exec_ends_although_a_child_holds_its_output,
            an_exec_of_a_missing_program_says_so,
            an_exec_of_what_is_not_executable_says_so,
            an_exec_in_a_missing_directory_says_so,
            an_exec_tells_whether_it_has_started,
            an_exec_as_an_unknown_user_is_refused,
            an_exec_without_a_shell_in_the_image,
            an_exec_in_what_does_not_run_is_refused,
            a_look_tells_kind_size_and_mode,
            a_look_at_nothing_finds_nothing,
            a_look_works_whatever_the_name,
            what_is_written_is_read_back,
            ownership_is_as_asked,
            a_missing_directory_is_made,
            files_of_a_stopped_container_can_be_used,
            a_read_only_mount_is_not_written,
            a_file_in_place_of_a_directory_is_refused,
            a_missing_path_can_not_be_read,
            a_path_is_removed_with_all_below_it,
            a_name_is_no_pattern,
            clearing_up_touches_nothing_foreign,
            a_work_looks_at_paths,
            what_a_work_writes_is_read_back,
            a_written_file_is_as_asked,
            a_work_expects_what_it_is_told,
            a_work_is_done_as_its_user,
            a_work_lists_what_is_in_a_directory,
            a_packed_tree_is_unpacked_as_it_was,
            nothing_is_unpacked_elsewhere,
            many_files_are_unpacked,
            a_work_makes_directories_and_links,
            a_work_moves_and_copies,
            a_work_removes,
            a_work_changes,
            a_work_searches_lines,
            a_work_watches,
            a_work_that_is_cut_leaves_nothing,
            a_work_that_is_killed_leaves_nothing,
            swapped_names_split_no_write,
            a_work_waits_for_no_pipe,
            a_full_disk_takes_nothing_half,
            a_read_only_root_is_not_written,
            a_file_that_shrinks_is_told,
            an_agent_is_allowed_in_what_runs,
        }
    };
    (@cases $subject:expr; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $case() {
                let subject = $subject.await;
                $crate::conformance::$case(&subject).await;
                subject.clear().await;
            }
        )*
    };
}

/// Insists that a result is an error of this pattern.
macro_rules! assert_fails {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("{} is {:?}", stringify!($result), other.map(|_| "a success")),
        }
    };
}
use assert_fails;
